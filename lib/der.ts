// DER (X.690): as much of it as certificates need.

const TAGS = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  text: 0x0c,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A value with its tag and length. */
export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(TAGS.sequence, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Buffer {
  return tagged(TAGS.set, ...parts);
}

/** A number that is not negative, from its bytes. */
export function integer(bytes: Uint8Array): Buffer {
  return tagged(TAGS.integer, (bytes[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), bytes);
}

export function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

/** Bits of which the last byte leaves some unused. */
export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return tagged(TAGS.bits, Buffer.from([unused]), bytes);
}

export function octets(bytes: Uint8Array): Buffer {
  return tagged(TAGS.octets, bytes);
}

export function text(value: string): Buffer {
  return tagged(TAGS.text, Buffer.from(value));
}

/** `1.2.840.10045.4.3.2` and the like. */
export function oid(name: string): Buffer {
  const [first = 0, second = 0, ...others] = name.split('.').map(Number);
  return tagged(TAGS.oid, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

/** RFC 5280, 4.1.2.5: with two digits of the year until 2049. */
export function time(at: Date): Buffer {
  const digits = `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return at.getUTCFullYear() < 2050 ? tagged(TAGS.utcTime, Buffer.from(digits.slice(2))) : tagged(TAGS.time, Buffer.from(digits));
}

/** What is inside a value, without its tag and length. Throws a RangeError for what is cut off. */
export function contentOf(value: Uint8Array): Buffer {
  const { start, end } = headerOf(value, 0);
  return Buffer.from(value.subarray(start, end));
}

/** The values inside a sequence, each with its tag and length. Throws a RangeError for what is cut off. */
export function elements(value: Uint8Array): Buffer[] {
  const outer = headerOf(value, 0);
  const found: Buffer[] = [];
  for (let at = outer.start; at < outer.end;) {
    const { end } = headerOf(value, at);
    found.push(Buffer.from(value.subarray(at, end)));
    at = end;
  }
  return found;
}

function headerOf(value: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const first = value[at + 1] ?? 0;
  const count = first < 0x80 ? 0 : first & 0x7f;
  let length = first;
  if (count > 0) length = Buffer.from(value.subarray(at + 2, at + 2 + count)).readUIntBE(0, count);
  const start = at + 2 + count;
  if (start + length > value.length) throw new RangeError('DER that is cut off');
  return { start, end: start + length };
}
