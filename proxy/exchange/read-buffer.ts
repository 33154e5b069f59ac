// Where reads land: one buffer for all sockets of a kind, since a read is handled before the next begins.

/** Shorter reads have a view each, made once: most reads are short, and a Buffer object per read is most of what a read costs. */
const SHORT = 4_096;

export class ReadBuffer {
  readonly bytes: Buffer;
  readonly #views: (Buffer | undefined)[] = Array.from({ length: SHORT });

  /** `size`: what one read brings at most, octets. */
  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** The first `length` bytes, as they are until the next read. */
  view(length: number): Buffer {
    if (length >= SHORT) return this.bytes.subarray(0, length);
    return (this.#views[length] ??= this.bytes.subarray(0, length));
  }
}

/** Of the sockets that we open, and of those in the clear that we accept. 64 KiB is what libuv reads at most. */
export const READS = new ReadBuffer(65_536);

/** Of accepted sockets of TLS, a record at a time: OpenSSL gives out what it has decrypted, whatever is being read elsewhere. */
export const SECURED_READS = new ReadBuffer(16_384);
