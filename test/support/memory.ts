// Memory that is in use, as opposed to garbage that nobody has collected yet.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of JavaScript objects and of buffers that are alive. Collects garbage first, twice: the second finishes the sweep of the first. */
export function memoryInUse(): { readonly heap: number; readonly buffers: number } {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}
