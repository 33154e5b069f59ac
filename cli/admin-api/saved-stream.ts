// Answers of the admin API in parts, such as exports, into a file or the standard output.
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { UsageError } from '../command.ts';

/** Writes the parts to the standard output. Throws a UsageError if the connection breaks. */
export async function toOutput(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of unbroken(stream)) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

/** Writes the parts to a new file, which only its owner may read. Returns the bytes. Without the whole answer there is no file. */
export async function toNewFile(stream: AsyncIterable<Uint8Array>, file: string): Promise<number> {
  const descriptor = openSync(file, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of unbroken(stream)) {
      for (let start = 0; start < chunk.length;) start += writeSync(descriptor, chunk, start);
      bytes += chunk.length;
    }
  } catch (error) {
    unlinkSync(file);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}

async function* unbroken(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const parts = stream[Symbol.asyncIterator]();
  for (;;) {
    const next = await parts.next().catch(() => {
      throw new UsageError('the connection broke before the end of the answer; try again');
    });
    if (next.done === true) return;
    yield next.value;
  }
}
