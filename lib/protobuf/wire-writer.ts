// Writes the wire format of protobuf from the last byte to the first: the length of a part is known when its turn to be written comes.

const FIRST_BYTES = 256;
/** Characters up to which a loop writes a text faster than a call of the runtime. */
const SHORT_TEXT = 32;

/** The values of hexadecimal digits by their codes. */
const DIGITS = new Uint8Array(128);
for (const [digits, first] of [
  ['0123456789abcdef', 0],
  ['ABCDEF', 10],
] as const)
  for (let i = 0; i < digits.length; i++) DIGITS[digits.charCodeAt(i)] = first + i;

export class WireWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** The offset of the first byte that is written. */
  #at = FIRST_BYTES;

  /** The number of bytes so far. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  finish(): Buffer {
    return this.#buffer.subarray(this.#at);
  }

  /** Begins anew, in the same memory: what `finish` has returned is overwritten. */
  reset(): void {
    this.#at = this.#buffer.length;
  }

  /** As reset, with little memory. */
  shrink(): void {
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#at = FIRST_BYTES;
  }

  tag(number: number, wireType: number): void {
    this.uint32(((number << 3) | wireType) >>> 0);
  }

  uint32(value: number): void {
    if (value < 0x80) {
      const at = this.#room(1);
      this.#buffer[at] = value;
      return;
    }
    let size = 2;
    for (let rest = value >>> 14; rest > 0; rest >>>= 7) size++;
    let at = this.#room(size);
    let rest = value;
    for (let i = 1; i < size; i++) {
      this.#buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[at] = rest;
  }

  /** A negative number takes ten bytes. */
  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.uint64(BigInt.asUintN(64, BigInt(value)));
  }

  sint32(value: number): void {
    this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  bool(value: boolean): void {
    const at = this.#room(1);
    this.#buffer[at] = value ? 1 : 0;
  }

  int64(value: bigint): void {
    this.uint64(BigInt.asUintN(64, value));
  }

  uint64(value: bigint): void {
    if (value <= 0xffff_ffffn) return this.uint32(Number(value));
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
  }

  sint64(value: bigint): void {
    this.uint64(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  fixed32(value: number): void {
    const at = this.#room(4);
    const buffer = this.#buffer;
    buffer[at] = value;
    buffer[at + 1] = value >>> 8;
    buffer[at + 2] = value >>> 16;
    buffer[at + 3] = value >>> 24;
  }

  sfixed32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeInt32LE(value, at);
  }

  fixed64(value: bigint): void {
    const at = this.#room(8);
    this.#buffer.writeBigUInt64LE(value, at);
  }

  sfixed64(value: bigint): void {
    const at = this.#room(8);
    this.#buffer.writeBigInt64LE(value, at);
  }

  float(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeFloatLE(value, at);
  }

  double(value: number): void {
    const at = this.#room(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  string(value: string): void {
    if (value.length <= SHORT_TEXT && this.#shortText(value)) return this.uint32(value.length);
    const length = Buffer.byteLength(value);
    const at = this.#room(length);
    this.#buffer.write(value, at, length, 'utf8');
    this.uint32(length);
  }

  /** Writes a text of ASCII. False: it is none, and nothing is written. */
  #shortText(value: string): boolean {
    const { length } = value;
    const at = this.#room(length);
    const buffer = this.#buffer;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.#at += length;
        return false;
      }
      buffer[at + i] = code;
    }
    return true;
  }

  /** The bytes of a hexadecimal text. */
  hex(value: string): void {
    const length = value.length >>> 1;
    const at = this.#room(length);
    const buffer = this.#buffer;
    // Ids are short: a loop costs less than a call of the runtime.
    for (let i = 0; i < length; i++)
      buffer[at + i] = ((DIGITS[value.charCodeAt(2 * i)] as number) << 4) | (DIGITS[value.charCodeAt(2 * i + 1)] as number);
    this.uint32(length);
  }

  bytes(value: Buffer): void {
    this.raw(value);
    this.uint32(value.length);
  }

  /** Bytes without their length. */
  raw(value: Buffer): void {
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
  }

  /** Copies all bytes to another buffer, which has room for them there. */
  copyTo(target: Buffer, at: number): void {
    this.#buffer.copy(target, at, this.#at);
  }

  /** Room for so many bytes before all others. The buffer may be another one after it. */
  #room(size: number): number {
    if (size > this.#at) this.#grow(size);
    this.#at -= size;
    return this.#at;
  }

  #grow(size: number): void {
    const used = this.length;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + size));
    this.#buffer.copy(larger, larger.length - used, this.#at);
    this.#at = larger.length - used;
    this.#buffer = larger;
  }
}
