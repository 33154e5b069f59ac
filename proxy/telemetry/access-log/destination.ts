// The pipe, device or file of the access log, and the way to write to it.
//
// A pipe or device is written to at once, by a descriptor that does not block: waking a thread of the pool for a few lines costs more
// than the lines do. Files are written by the pool, much at a time: a busy disk holds up the thread that writes. So does a descriptor
// that cannot be opened anew (a socket, a pipe of another user), which may block.
import { constants, fstatSync, openSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { WRITE_BYTES } from './line.ts';

const FILE_WRITE_BYTES = 65_536;
/** Into a pipe that no other worker writes to; it holds twice as much. */
const OWN_PIPE_WRITE_BYTES = 32_768;
const STANDARD_OUTPUT = 1;

export interface Destination {
  readonly descriptor: number;
  /** Writing to it never blocks. */
  readonly direct: boolean;
  /** How much is written at a time. */
  readonly chunkBytes: number;
}

/**
 * Opens `stdout`, or a path, which is appended to. `shared`: other workers write to the same. Throws when it cannot be opened.
 */
export function openDestination(target: string, shared: boolean): Destination {
  const direct = (descriptor: number): Destination => ({
    descriptor,
    direct: true,
    chunkBytes: shared ? WRITE_BYTES : OWN_PIPE_WRITE_BYTES,
  });
  return target === 'stdout' ? openStandardOutput(direct) : openPath(target, direct);
}

function openPath(target: string, direct: (descriptor: number) => Destination): Destination {
  const { O_RDWR, O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  const stats = statSync(target, { throwIfNoEntry: false });
  // A pipe without a reader can only be opened both ways.
  if (stats?.isFIFO() === true) return direct(openSync(target, O_RDWR | O_NONBLOCK));
  const descriptor = openSync(target, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640);
  return isDirect(fstatSync(descriptor)) ? direct(descriptor) : pooled(descriptor, FILE_WRITE_BYTES);
}

/** Others have the same standard output and may want it to block: it is opened a second time. */
function openStandardOutput(direct: (descriptor: number) => Destination): Destination {
  const stats = fstatSync(STANDARD_OUTPUT);
  if (stats.isFile()) return pooled(STANDARD_OUTPUT, FILE_WRITE_BYTES);
  if (!isDirect(stats)) return pooled(STANDARD_OUTPUT, WRITE_BYTES);
  try {
    return direct(openSync(`/proc/self/fd/${STANDARD_OUTPUT}`, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch {
    return pooled(STANDARD_OUTPUT, WRITE_BYTES);
  }
}

function isDirect(stats: Stats): boolean {
  return stats.isFIFO() || stats.isCharacterDevice();
}

function pooled(descriptor: number, chunkBytes: number): Destination {
  return { descriptor, direct: false, chunkBytes };
}
