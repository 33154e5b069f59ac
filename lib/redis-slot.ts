// The slot of a key in a Cluster of Redis, by which a caller knows the master that a command goes to.

const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => remainderOf(byte << 8, 8));

/** The slot of a key of ASCII characters without braces: CRC16 of the variant XMODEM, modulo the number of slots. */
export function redisSlot(key: string): number {
  let crc = 0;
  for (let i = 0; i < key.length; i++) crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ key.charCodeAt(i)] as number);
  return crc % SLOTS;
}

function remainderOf(value: number, bits: number): number {
  if (bits === 0) return value & 0xffff;
  return remainderOf((value & 0x8000) === 0 ? value << 1 : (value << 1) ^ POLYNOMIAL, bits - 1);
}
