// As much of DER (X.690) as OCSP needs: what is read may come from anybody, so that whatever does not add up is null.

export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** Tag of a constructed context-specific element. */
export function context(number: number): number {
  return 0xa0 | number;
}

/** One element. `raw` is all of it, `value` what is inside. */
export interface Der {
  readonly tag: number;
  readonly value: Buffer;
  readonly raw: Buffer;
}

const SHORT_LENGTH = 0x80;
/** Four bytes of length are 4 GiB, more than anybody sends. */
const MAX_LENGTH_BYTES = 4;

/** The element at the beginning of these bytes. Tags of several bytes and indefinite lengths are not DER that we read. */
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

/** The elements inside of one; null unless they fill it. */
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

/** The elements inside of a SEQUENCE; null for anything else. */
export function sequenceOf(der: Der | null | undefined): readonly Der[] | null {
  return der?.tag === TAG.sequence ? childrenOf(der) : null;
}

/** An element of these parts. */
export function encodeDer(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < SHORT_LENGTH) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length = Buffer.alloc(MAX_LENGTH_BYTES);
  length.writeUInt32BE(value.length);
  const used = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, SHORT_LENGTH | used.length]), used, value]);
}

/** Milliseconds since the epoch of a GeneralizedTime in the form that RFC 6960 wants (`20261124203000Z`); NaN for anything else. */
export function timeOf(der: Der | null | undefined): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(der?.tag === TAG.generalizedTime ? der.value.latin1Slice() : '');
  if (match === null) return NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** An OBJECT IDENTIFIER as hexadecimal; '' for anything else. */
export function oidOf(der: Der | null | undefined): string {
  return der?.tag === TAG.oid ? der.value.toString('hex') : '';
}

/** The bytes of a BIT STRING of whole bytes. */
export function bitsOf(der: Der | null | undefined): Buffer | null {
  return der?.tag === TAG.bitString && der.value[0] === 0 ? der.value.subarray(1) : null;
}
