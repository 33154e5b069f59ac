// Sends the result of an inspection in parts of a limited size.
import { PART_BYTES } from './inspection.ts';
import type { Inspecting } from './inspection.ts';

/** The largest result, bytes. */
const MAX_BYTES = 1_024 * 1_024 * 1_024;

/** Sends all data, or stops at the signal. Rejects above the largest size. */
export async function sendParts(data: Iterable<Buffer> | AsyncIterable<Buffer>, { part, signal }: Inspecting): Promise<void> {
  let sent = 0;
  for await (const bytes of data) {
    sent += bytes.length;
    if (sent > MAX_BYTES) throw new Error(`the result has more than ${MAX_BYTES} bytes`);
    for (let start = 0; start < bytes.length; start += PART_BYTES) {
      if (signal.aborted) return;
      await part(bytes.subarray(start, start + PART_BYTES));
    }
  }
}
