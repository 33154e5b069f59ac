// Writes the bytes of a WebAssembly module.

export class WasmWriter {
  #bytes = Buffer.allocUnsafe(1_024);
  #length = 0;

  byte(...bytes: readonly number[]): this {
    this.#reserve(bytes.length);
    for (const byte of bytes) this.#bytes[this.#length++] = byte;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** An unsigned number of up to 32 bits. */
  u32(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.byte(rest);
  }

  /** Bytes behind their length. */
  sized(bytes: Uint8Array): this {
    return this.u32(bytes.length).bytes(bytes);
  }

  text(text: string): this {
    return this.sized(Buffer.from(text));
  }

  #reserve(count: number): void {
    const length = this.#length + count;
    if (length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.allocUnsafe(Math.max(length, this.#bytes.length))]);
  }

  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
