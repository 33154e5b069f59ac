// When everything between two peers is full.
import { setImmediate as turn } from 'node:timers/promises';

/** How long a number must stay as it is, in milliseconds. */
const STILL_MS = 150;

/** Resolves to the number once it has not changed for a while. */
export async function still(read: () => number): Promise<number> {
  let last = -1;
  let since = performance.now();
  while (performance.now() - since < STILL_MS) {
    if (read() !== last) since = performance.now();
    last = read();
    await turn();
  }
  return last;
}
