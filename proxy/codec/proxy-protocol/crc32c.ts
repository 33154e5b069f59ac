// CRC-32C (Castagnoli, RFC 4960 appendix B), which version 2 of the PROXY protocol may have. zlib has another polynomial.

const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The checksum of these bytes, with zeros in place of those from `start` to `end`. */
export function crc32c(bytes: Buffer, start: number, end: number): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    const byte = i >= start && i < end ? 0 : (bytes[i] as number);
    crc = (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
