// The memory of the container against its limit.
import { cgroupFolders } from '#lib/cgroup.ts';
import { groupMemory } from '#lib/cgroup-memory.ts';
import type { CgroupFolder, CgroupPlace } from '#lib/cgroup.ts';
import { MAX_SEVERITY, severityOfShare } from './signal.ts';
import type { Signal } from './signal.ts';

const INTERVAL_MS = 1_000;

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

/** The share of its limit that a group uses; 0 without a limit. */
function shareOf(folder: CgroupFolder): number {
  const memory = groupMemory(folder);
  return memory === null ? 0 : Math.min(1, memory.used / memory.limit);
}
