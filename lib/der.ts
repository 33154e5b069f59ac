// DER (X.690) as far as certificates and OCSP need it. The reader accepts bytes from any peer and returns null for anything that is not
// DER.

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag of a constructed context-specific element. */
export function context(number: number): number {
  return 0xa0 | number;
}

const SHORT_LENGTH = 0x80;
/** A length of four bytes is up to 4 GiB; nothing longer is read or written. */
const MAX_LENGTH_BYTES = 4;

// --- Reading

/** One element: `raw` has its tag and length, `value` does not. */
export interface Der {
  readonly tag: number;
  readonly value: Buffer;
  readonly raw: Buffer;
}

/** Reads the element at the start of the bytes. Null: it is cut off, or has a tag of several bytes or an indefinite length. */
export function readDer(bytes: Buffer): Der | null {
  const [tag, first] = [bytes[0], bytes[1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return null;
  if (first < SHORT_LENGTH) return cutOut(bytes, tag, 2, first);
  const count = first - SHORT_LENGTH;
  if (count === 0 || count > MAX_LENGTH_BYTES || bytes.length < 2 + count) return null;
  return cutOut(bytes, tag, 2 + count, bytes.readUIntBE(2, count));
}

function cutOut(bytes: Buffer, tag: number, start: number, length: number): Der | null {
  const end = start + length;
  return end > bytes.length ? null : { tag, value: bytes.subarray(start, end), raw: bytes.subarray(0, end) };
}

/** The elements inside an element; null unless they fill it. */
export function childrenOf(der: Der | null | undefined): readonly Der[] | null {
  if (der === null || der === undefined) return null;
  const children: Der[] = [];
  for (let at = 0; at < der.value.length;) {
    const child = readDer(der.value.subarray(at));
    if (child === null) return null;
    children.push(child);
    at += child.raw.length;
  }
  return children;
}

/** The elements inside a SEQUENCE; null for any other element. */
export function sequenceOf(der: Der | null | undefined): readonly Der[] | null {
  return der?.tag === TAG.sequence ? childrenOf(der) : null;
}

/** Milliseconds since the epoch of a GeneralizedTime in the form of RFC 6960 (`20261124203000Z`); NaN for any other element. */
export function timeOf(der: Der | null | undefined): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(der?.tag === TAG.generalizedTime ? der.value.latin1Slice() : '');
  if (match === null) return NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The bytes of an OBJECT IDENTIFIER, hexadecimal; '' for any other element. */
export function oidOf(der: Der | null | undefined): string {
  return der?.tag === TAG.oid ? der.value.toString('hex') : '';
}

/** The bytes of a BIT STRING without unused bits; null for any other element. */
export function bitsOf(der: Der | null | undefined): Buffer | null {
  return der?.tag === TAG.bitString && der.value[0] === 0 ? der.value.subarray(1) : null;
}

// --- Writing

/** An element with these parts inside. */
export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < SHORT_LENGTH) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length = Buffer.alloc(MAX_LENGTH_BYTES);
  length.writeUInt32BE(value.length);
  const used = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, SHORT_LENGTH | used.length]), used, value]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return encodeDer(TAG.sequence, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Buffer {
  return encodeDer(TAG.set, ...parts);
}

/** A number that is not negative, from its bytes. */
export function integer(bytes: Uint8Array): Buffer {
  return encodeDer(TAG.integer, (bytes[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), bytes);
}

export function boolean(value: boolean): Buffer {
  return encodeDer(TAG.boolean, Buffer.from([value ? 0xff : 0]));
}

/** A BIT STRING; `unused` is the number of unused bits in the last byte. */
export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return encodeDer(TAG.bitString, Buffer.from([unused]), bytes);
}

export function octets(bytes: Uint8Array): Buffer {
  return encodeDer(TAG.octetString, bytes);
}

export function text(value: string): Buffer {
  return encodeDer(TAG.utf8String, Buffer.from(value));
}

/** An OBJECT IDENTIFIER from its dotted form: `1.2.840.10045.4.3.2`. */
export function oid(name: string): Buffer {
  const [first = 0, second = 0, ...others] = name.split('.').map(Number);
  return encodeDer(TAG.oid, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

/** RFC 5280, 4.1.2.5: a UTCTime with two digits of the year until 2049, then a GeneralizedTime. */
export function time(at: Date): Buffer {
  const digits = `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return at.getUTCFullYear() < 2050
    ? encodeDer(TAG.utcTime, Buffer.from(digits.slice(2)))
    : encodeDer(TAG.generalizedTime, Buffer.from(digits));
}
