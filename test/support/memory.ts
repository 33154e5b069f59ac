// Memory in use, without uncollected garbage.
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

/** The same after one collection, which takes half the time; sometimes some garbage still counts. */
function nearlyInUse(): Memory {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

/** Compiled code takes memory in some rounds, and old objects free some in others; a leak takes some in each round. */
const ROUNDS = 6;
/** Maximum number of measurements until the memory is stable: collector threads free buffers with a delay. */
const LOOKS = 20;

/** Repeats a round until it changes the memory of objects and buffers by less. Throws if none does. Rounds must await their end. */
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

/** Memory in use once two measurements agree. */
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
