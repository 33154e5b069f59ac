// The memory of a module as host functions use it. Every pointer and length is hostile: all access is inside of the bounds, or it fails with
// invalidMemoryAccess. A view is good until the module runs again: its memory may have grown.
import { STATUS, StatusError } from './status.ts';

/** Allocates bytes in the module. Returns their address, or 0. */
type Allocate = (size: number) => unknown;

export class GuestMemory {
  #memory: WebAssembly.Memory | null = null;
  #allocate: Allocate | null = null;

  /** The module has started. */
  attach(memory: WebAssembly.Memory, allocate: Allocate | null): void {
    this.#memory = memory;
    this.#allocate = allocate;
  }

  /** Bytes now. */
  get size(): number {
    return this.#memory?.buffer.byteLength ?? 0;
  }

  /** The bytes of the module itself. */
  view(pointer: number, length: number): Buffer {
    const [start, size] = [pointer >>> 0, length >>> 0];
    if (this.#memory === null || start + size > this.size) throw new StatusError(STATUS.invalidMemoryAccess);
    return Buffer.from(this.#memory.buffer, start, size);
  }

  /** A copy of at most `most` bytes; more are no argument. */
  bytes(pointer: number, length: number, most: number): Buffer {
    const view = this.view(pointer, length);
    if (view.length > most) throw new StatusError(STATUS.badArgument);
    return Buffer.from(view);
  }

  /** A text with one character for each byte, as the proxy has header values. */
  latin1(pointer: number, length: number, most: number): string {
    const view = this.view(pointer, length);
    if (view.length > most) throw new StatusError(STATUS.badArgument);
    return view.toString('latin1');
  }

  writeU32(pointer: number, value: number): void {
    this.view(pointer, 4).writeUInt32LE(value >>> 0);
  }

  writeU64(pointer: number, value: bigint): void {
    this.view(pointer, 8).writeBigUInt64LE(BigInt.asUintN(64, value));
  }

  readU32(pointer: number): number {
    return this.view(pointer, 4).readUInt32LE();
  }

  /** Hands over bytes: in memory that the module allocates, whose address and size go where it says. */
  give(bytes: Uint8Array, addressAt: number, sizeAt: number): void {
    this.view(addressAt, 4);
    this.view(sizeAt, 4);
    const address = bytes.length === 0 ? 0 : this.#place(bytes);
    this.writeU32(addressAt, address);
    this.writeU32(sizeAt, bytes.length);
  }

  #place(bytes: Uint8Array): number {
    const address = this.#allocate?.(bytes.length);
    if (typeof address !== 'number' || address === 0) throw new StatusError(STATUS.invalidMemoryAccess);
    this.view(address, bytes.length).set(bytes);
    return address >>> 0;
  }
}
