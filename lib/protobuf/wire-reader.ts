// Reads the wire format of protobuf (https://protobuf.dev/programming-guides/encoding/) from bytes of any peer.
import { ProtobufFault } from './fault.ts';

export const WIRE = Object.freeze({ varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 });

/** Groups inside of groups that are skipped. */
const MAX_GROUPS = 100;
const TOP_BIT = 63;

export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  /** The halves of the last varint, signed. */
  #low = 0;
  #high = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** The offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Number of a field times 8, plus the wire type. */
  tag(): number {
    this.#readVarint();
    const tag = this.#low >>> 0;
    if (this.#high !== 0 || tag < 8) throw new ProtobufFault('a field has an invalid number');
    if ((tag & 7) > WIRE.fixed32) throw new ProtobufFault('a field has an unknown wire type');
    return tag;
  }

  int32(): number {
    this.#readVarint();
    return this.#low;
  }

  uint32(): number {
    this.#readVarint();
    return this.#low >>> 0;
  }

  sint32(): number {
    this.#readVarint();
    return (this.#low >>> 1) ^ -(this.#low & 1);
  }

  bool(): boolean {
    this.#readVarint();
    return this.#low !== 0 || this.#high !== 0;
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  uint64(): bigint {
    this.#readVarint();
    const low = this.#low >>> 0;
    return this.#high === 0 ? BigInt(low) : (BigInt(this.#high >>> 0) << 32n) | BigInt(low);
  }

  sint64(): bigint {
    const zigzag = this.uint64();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  sfixed32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  fixed64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  sfixed64(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** A part of the bytes, with its length before it. */
  bytes(): Buffer {
    this.#readVarint();
    if (this.#high !== 0) throw new ProtobufFault('a length is beyond the end');
    const length = this.#low >>> 0;
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Skips the value of a field with that tag. */
  skip(tag: number): void {
    this.#skipValue(tag, MAX_GROUPS);
  }

  /** The bytes from an offset to the next byte. */
  since(start: number): Buffer {
    return this.#bytes.subarray(start, this.#at);
  }

  #skipValue(tag: number, groups: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        return this.#readVarint();
      case WIRE.fixed64:
        this.#take(8);
        return;
      case WIRE.bytes:
        this.bytes();
        return;
      case WIRE.groupStart:
        return this.#skipGroup(tag, groups);
      case WIRE.fixed32:
        this.#take(4);
        return;
      default:
        throw new ProtobufFault('a group ends that has not begun');
    }
  }

  #skipGroup(start: number, groups: number): void {
    if (groups === 0) throw new ProtobufFault('it is nested too deeply');
    const end = start - WIRE.groupStart + WIRE.groupEnd;
    for (let tag = this.tag(); tag !== end; tag = this.tag()) this.#skipValue(tag, groups - 1);
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw new ProtobufFault('a value is cut off');
    this.#at = start + length;
    return start;
  }

  #readVarint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) throw new ProtobufFault('a value is cut off');
      const byte = this.#bytes[this.#at++] as number;
      const part = byte & 0x7f;
      if (shift === TOP_BIT && byte > 1) throw new ProtobufFault('a number has more than 64 bits');
      if (shift <= 28) low |= part << shift;
      if (shift === 28) high = part >>> 4;
      else if (shift > 28) high |= part << (shift - 32);
      if (byte < 0x80) break;
    }
    this.#low = low;
    this.#high = high;
  }
}
