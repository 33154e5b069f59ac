// A cache of compiled code for Weir processes of tests, which halves their start time. Each user has a separate part.
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/** Value of Node's variable NODE_COMPILE_CACHE. */
export const COMPILE_CACHE = path.resolve(import.meta.dirname, '..', '..', '.cache', 'compiled');

/** Makes the folder, into which every user may write. */
export function makeCompileCache(): void {
  mkdirSync(COMPILE_CACHE, { recursive: true });
  chmodSync(COMPILE_CACHE, 0o1777);
}
