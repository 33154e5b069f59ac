// Sends a file about a process in parts of a limited size.

/** The way of a file to its reader. */
export interface FileWay {
  /** Takes a part. A promise: send no more until it resolves. */
  readonly part: (data: Buffer) => void | Promise<void>;
  /** The reader needs no more. */
  readonly signal: AbortSignal;
}

/** Bytes of a part. */
const PART_BYTES = 32 * 1_024;
/** The largest file, bytes. */
const MAX_BYTES = 1_024 * 1_024 * 1_024;

/** Sends all data, or stops at the signal. Rejects above the largest size. */
export async function sendParts(data: Iterable<Buffer> | AsyncIterable<Buffer>, { part, signal }: FileWay): Promise<void> {
  let sent = 0;
  for await (const bytes of data) {
    sent += bytes.length;
    if (sent > MAX_BYTES) throw new Error(`the file has more than ${MAX_BYTES} bytes`);
    for (let start = 0; start < bytes.length; start += PART_BYTES) {
      if (signal.aborted) return;
      await part(bytes.subarray(start, start + PART_BYTES));
    }
  }
}
