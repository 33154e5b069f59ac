// Memory that is in use, as opposed to garbage that nobody has collected yet.
import { setTimeout } from 'node:timers/promises';
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
/** How often memory is looked at until it stands still: threads of the collector free buffers when they get to it. */
const LOOKS = 20;

/** Repeats a round, which awaits the end of all it began, until one changes the bytes of objects and buffers by less. Throws if none does. */
export async function leavesLess(bytes: number, round: () => Promise<void>): Promise<void> {
  const left: string[] = [];
  let before = await standingMemory(bytes);
  while (left.length < ROUNDS) {
    await round();
    if (isNear(nearlyInUse(), before, bytes)) return;
    const after = await standingMemory(bytes);
    if (isNear(after, before, bytes)) return;
    left.push(`${after.heap - before.heap} of objects and ${after.buffers - before.buffers} of buffers`);
    before = after;
  }
  throw new Error(`each round left bytes: ${left.join(', ')}`);
}

function isNear(a: Memory, b: Memory, bytes: number): boolean {
  return Math.abs(a.heap - b.heap) < bytes && Math.abs(a.buffers - b.buffers) < bytes;
}

/** Memory in use once two looks at it agree. */
async function standingMemory(bytes: number): Promise<Memory> {
  let before = memoryInUse();
  for (let look = 0; look < LOOKS; look++) {
    await setTimeout(look);
    const after = memoryInUse();
    if (isNear(after, before, bytes)) return after;
    before = after;
  }
  return before;
}
