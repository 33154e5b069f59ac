// Detects that all buffers between two peers are full.
import { setImmediate as turn } from 'node:timers/promises';

/** How long a number must not change: longer than the kernel delays an acknowledgement (40 ms), and several turns of the event loop. */
const STILL_MS = 60;
const STILL_TURNS = 20;

/** Resolves to the number once it has not changed for this time. */
export async function still(read: () => number): Promise<number> {
  let last = -1;
  let since = performance.now();
  for (let turns = 0; turns < STILL_TURNS || performance.now() - since < STILL_MS; turns++) {
    if (read() !== last) {
      last = read();
      since = performance.now();
      turns = 0;
    }
    await turn();
  }
  return last;
}
