// The buffer that sockets read into. All sockets of a kind share one, because each read is handled before the next read.

/** Views of shorter reads are created once and kept: most reads are short, and creating a Buffer is most of the cost of a short read. */
const SHORT = 4_096;

export class ReadBuffer {
  readonly bytes: Buffer;
  readonly #views: (Buffer | undefined)[] = Array.from({ length: SHORT });

  /** `size`: the maximum of one read in bytes. */
  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** The first `length` bytes. The next read overwrites them. */
  view(length: number): Buffer {
    if (length >= SHORT) return this.bytes.subarray(0, length);
    return (this.#views[length] ??= this.bytes.subarray(0, length));
  }
}

/** For outgoing sockets and for accepted sockets without TLS. libuv reads at most 64 KiB at once. */
export const READS = new ReadBuffer(65_536);

/** For accepted sockets with TLS, one record at a time. A separate buffer: OpenSSL may decrypt while another socket is read. */
export const SECURED_READS = new ReadBuffer(16_384);
