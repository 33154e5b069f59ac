// Memory that is in use, as opposed to garbage that nobody has collected yet.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Memory {
  readonly heap: number;
  readonly buffers: number;
}

/** Bytes of JavaScript objects and of buffers that are alive. Collects garbage first, twice: the second finishes the sweep of the first. */
export function memoryInUse(): Memory {
  collect();
  return nearlyInUse();
}

/** The same after one collection, which takes half the time: now and then some that is dead still counts. */
function nearlyInUse(): Memory {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

/** Code that is compiled takes memory for good in some rounds, and what is old may give some back in others; a leak takes some in each. */
const ROUNDS = 6;

/** Repeats a round, which awaits the end of all it began, until one changes the bytes of objects and buffers by less. Throws if none does. */
export async function leavesLess(bytes: number, round: () => Promise<void>): Promise<void> {
  const left: string[] = [];
  let before = nearlyInUse();
  while (left.length < ROUNDS) {
    await round();
    const after = nearlyInUse();
    const [heap, buffers] = [after.heap - before.heap, after.buffers - before.buffers];
    if (Math.abs(heap) < bytes && Math.abs(buffers) < bytes) return;
    left.push(`${heap} of objects and ${buffers} of buffers`);
    before = after;
  }
  throw new Error(`each round left bytes: ${left.join(', ')}`);
}
