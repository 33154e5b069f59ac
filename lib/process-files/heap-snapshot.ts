// A snapshot of the heap of this process, as the developer tools of browsers read it (.heapsnapshot). The process stops while V8 takes it,
// about a second per 100 MB, and needs as much memory again.
import { getHeapSnapshot } from 'node:v8';
import { freeMemory } from '../cgroup-memory.ts';
import { err, ok, type Result } from '../result.ts';
import { sendParts } from './parts.ts';
import type { FileWay } from './parts.ts';

const MIB = 1_024 * 1_024;
/** Besides the heap: buffers of the parts, and requests that wait meanwhile. */
const RESERVE = 64 * MIB;

/** Takes a snapshot and sends it. Refuses if memory is short: the kernel would end the process. */
export async function takeHeapSnapshot(way: FileWay): Promise<Result<void>> {
  const room = roomFor(process.memoryUsage().heapUsed, freeMemory());
  if (!room.ok) return room;
  await sendParts(getHeapSnapshot(), way);
  return ok(undefined);
}

/** Whether there is room for a snapshot of a heap, both in bytes. */
export function roomFor(heap: number, free: number): Result<void> {
  const needed = 2 * heap + RESERVE;
  if (free >= needed) return ok(undefined);
  return err(
    `a heap snapshot may need ${Math.ceil(needed / MIB)} MiB, and ${Math.floor(free / MIB)} MiB are free; ` +
      'raise the memory limit, or take it of another process',
  );
}
