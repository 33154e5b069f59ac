// The memory of control groups against their limits. The kernel frees cached files before it kills a process, so files that were not used
// recently do not count.
import os from 'node:os';
import path from 'node:path';
import { cgroupFolders, readCgroup } from './cgroup.ts';
import type { CgroupFolder, CgroupPlace } from './cgroup.ts';

/** The files of each version. */
const FILES = {
  1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cached: /^total_inactive_file (\d+)$/m },
  2: { limit: 'memory.max', usage: 'memory.current', cached: /^inactive_file (\d+)$/m },
} as const;

/** Bytes. */
export interface GroupMemory {
  readonly limit: number;
  readonly used: number;
}

/** The memory of a group; null without a limit: `max` (version 2), or a number above any memory (version 1). */
export function groupMemory({ version, path: folder }: CgroupFolder): GroupMemory | null {
  const files = FILES[version];
  const limit = Number.parseInt(readCgroup(path.join(folder, files.limit)), 10);
  const usage = Number.parseInt(readCgroup(path.join(folder, files.usage)), 10);
  if (!(limit > 0) || !(usage > 0) || limit > Number.MAX_SAFE_INTEGER) return null;
  const cached = Number(files.cached.exec(readCgroup(path.join(folder, 'memory.stat')))?.[1] ?? 0);
  return { limit, used: Math.max(0, usage - cached) };
}

/** Bytes that this process may still use: those of the machine, or fewer by the limits of its groups. */
export function freeMemory(place: CgroupPlace = {}): number {
  const groups = cgroupFolders('memory', place).flatMap((folder) => groupMemory(folder) ?? []);
  return Math.max(0, Math.min(os.freemem(), ...groups.map(({ limit, used }) => limit - used)));
}
