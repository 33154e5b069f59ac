// The pipe, device or file of the access log, and the method of writing to it.
//
// The worker writes to a pipe or device directly, through a non-blocking descriptor: a wakeup of a pool thread costs more than a few
// lines. The thread pool writes files in large chunks, since a busy disk blocks the writing thread. It also writes to descriptors that
// may block because they cannot be reopened (a socket, a pipe of another user).
import { constants, fstatSync, openSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { WRITE_BYTES } from './line.ts';

const FILE_WRITE_BYTES = 65_536;
/** For a pipe with a single writer; a pipe has room for twice as much. */
const OWN_PIPE_WRITE_BYTES = 32_768;
const STANDARD_OUTPUT = 1;

export interface Destination {
  readonly descriptor: number;
  /** Whether writes never block. */
  readonly direct: boolean;
  /** The size of one write. */
  readonly chunkBytes: number;
}

/** Opens `stdout`, or a path to append to. `shared`: other workers write to it too. Throws if it cannot be opened. */
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
  // Without a reader, a pipe opens only for reading and writing.
  if (stats?.isFIFO() === true) return direct(openSync(target, O_RDWR | O_NONBLOCK));
  const descriptor = openSync(target, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640);
  return isDirect(fstatSync(descriptor)) ? direct(descriptor) : pooled(descriptor, FILE_WRITE_BYTES);
}

/** Opens standard output a second time: other processes share the first descriptor and may need it to block. */
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
