// Parses the IP addresses of requests into numbers and formats them in their canonical form, without allocating objects (RFC 4291 section
// 2.2, RFC 5952).

/** The last parsed address: 128 bits in network order; an IPv4 address is in the last word. One per thread: parsing is synchronous. */
export const addressWords = new Uint32Array(4);

const COLON = 0x3a;
const DOT = 0x2e;
const ZERO = 0x30;
/** The value of a hexadecimal digit by its character code; 16 for other characters. */
const HEX = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 16 : value;
});

const groups = new Uint16Array(8);
let count = 0;
/** The number of groups before `::`; -1 without `::`. */
let gap = -1;

/**
 * Parses `text[start, end)` as one address without a zone into `addressWords`. Returns its version, or 0 if the text is not an address. An
 * IPv4-mapped IPv6 address counts as IPv4.
 */
export function readAddress(text: string, start = 0, end = text.length): 0 | 4 | 6 {
  if (readIpv4(text, start, end)) return 4;
  if (!readGroups(text, start, end) || !spread()) return 0;
  for (let i = 0; i < 4; i++) addressWords[i] = ((groups[2 * i] as number) << 16) | (groups[2 * i + 1] as number);
  return addressWords[0] === 0 && addressWords[1] === 0 && addressWords[2] === 0xffff ? 4 : 6;
}

/** The canonical form of the last parsed address, which has this version. */
export function writeAddress(version: 4 | 6): string {
  const last = addressWords[3] as number;
  if (version === 4) return `${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`;
  for (let i = 0; i < 8; i++) groups[i] = (addressWords[i >> 1] as number) >>> (i % 2 === 0 ? 16 : 0);
  return writeGroups();
}

/** The position of the next character. */
let position = 0;

/** Four numbers with dots between them. */
function readIpv4(text: string, start: number, end: number): boolean {
  position = start;
  let word = 0;
  for (let octets = 1; octets <= 4; octets++) {
    const octet = readOctet(text, end);
    if (octet < 0) return false;
    word = (word << 8) | octet;
    if (octets < 4 && (position === end || text.charCodeAt(position++) !== DOT)) return false;
  }
  addressWords[3] = word;
  return position === end;
}

/** A number up to 255, else -1. A leading zero is an error: some programs read such a number as octal. */
function readOctet(text: string, end: number): number {
  const start = position;
  let value = 0;
  while (position < end && position - start < 4 && isDigit(text.charCodeAt(position)))
    value = value * 10 + text.charCodeAt(position++) - ZERO;
  const digits = position - start;
  return digits === 0 || value > 255 || (digits > 1 && text.charCodeAt(start) === ZERO) ? -1 : value;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

/** Groups of up to four digits with at most one `::`; the last two groups may be an IPv4 address. */
function readGroups(text: string, start: number, end: number): boolean {
  count = 0;
  gap = -1;
  position = start;
  if (text.charCodeAt(start) === COLON) {
    if (text.charCodeAt(start + 1) !== COLON) return false;
    gap = 0;
    position += 2;
  }
  while (position < end) if (!readGroup(text, end)) return false;
  return position === end;
}

function readGroup(text: string, end: number): boolean {
  const start = position;
  let value = 0;
  for (let digit = 0; position < end && (digit = HEX[text.charCodeAt(position)] ?? 16) < 16; position++) value = value * 16 + digit;
  const digits = position - start;
  if (position < end && text.charCodeAt(position) === DOT) return readTail(text, start, end);
  if (digits === 0 || digits > 4 || count === 8) return false;
  groups[count++] = value;
  return position === end || readColons(text, end);
}

/** One colon before a group, or two colons. */
function readColons(text: string, end: number): boolean {
  if (text.charCodeAt(position) !== COLON || ++position === end) return false;
  if (text.charCodeAt(position) !== COLON) return true;
  if (gap >= 0) return false;
  gap = count;
  position++;
  return true;
}

function readTail(text: string, start: number, end: number): boolean {
  if (count > 6 || !readIpv4(text, start, end)) return false;
  groups[count++] = (addressWords[3] as number) >>> 16;
  groups[count++] = addressWords[3] as number;
  return true;
}

/** Inserts the zeros for `::`. False: the number of groups is wrong. */
function spread(): boolean {
  if (gap < 0) return count === 8;
  if (count === 8) return false;
  groups.copyWithin(8 - count + gap, gap, count);
  groups.fill(0, gap, 8 - count + gap);
  return true;
}

/** RFC 5952 section 4: lower case, and `::` for the first of the longest runs of zeros if a run is longer than one group. */
function writeGroups(): string {
  let start = 8;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let zeros = 0;
    while (i + zeros < 8 && groups[i + zeros] === 0) zeros++;
    if (zeros > length) [start, length] = [i, zeros];
    i += zeros;
  }
  const head = join(0, Math.min(start, 8));
  return start === 8 ? head : `${head}::${join(start + length, 8)}`;
}

function join(from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += `${i === from ? '' : ':'}${(groups[i] as number).toString(16)}`;
  return text;
}
