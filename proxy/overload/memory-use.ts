// The memory of the container against its limit. The kernel frees cached files before it kills a process, so files that were not used
// recently do not count.
import path from 'node:path';
import { cgroupFolders, readCgroup } from '#lib/cgroup.ts';
import type { CgroupFolder, CgroupPlace } from '#lib/cgroup.ts';
import { MAX_SEVERITY, severityOfShare } from './signal.ts';
import type { Signal } from './signal.ts';

const INTERVAL_MS = 1_000;

/** The files of each version. */
const FILES = {
  1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cached: /^total_inactive_file (\d+)$/m },
  2: { limit: 'memory.max', usage: 'memory.current', cached: /^inactive_file (\d+)$/m },
} as const;

export class MemoryUse implements Signal {
  readonly name = 'memory';
  readonly #folders: readonly CgroupFolder[];
  readonly #threshold: number;
  #share = 0;
  #sampledAt = -Infinity;

  /** `threshold`: the share of the limit with severity 1, percent. */
  constructor(threshold: number, place: CgroupPlace = {}) {
    this.#threshold = threshold / 100;
    this.#folders = cgroupFolders('memory', place).filter((folder) => shareOf(folder) > 0);
  }

  get severity(): number {
    return severityOfShare(this.#share, this.#threshold, MAX_SEVERITY);
  }

  sample(now: number): void {
    if (this.#folders.length === 0 || now - this.#sampledAt < INTERVAL_MS) return;
    this.#sampledAt = now;
    this.#share = Math.max(...this.#folders.map(shareOf));
  }
}

/** The share of its limit that a group uses; 0 without a limit: `max` (version 2), or a number above any memory (version 1). */
function shareOf({ version, path: folder }: CgroupFolder): number {
  const files = FILES[version];
  const limit = Number.parseInt(readCgroup(path.join(folder, files.limit)), 10);
  const usage = Number.parseInt(readCgroup(path.join(folder, files.usage)), 10);
  if (!(limit > 0) || !(usage > 0) || limit > Number.MAX_SAFE_INTEGER) return 0;
  const cached = Number(files.cached.exec(readCgroup(path.join(folder, 'memory.stat')))?.[1] ?? 0);
  return Math.min(1, Math.max(0, usage - cached) / limit);
}
