// The number of CPUs that this process may use, by the limit of its control group. It is the number of workers.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { cgroupFolders, readCgroup } from '#lib/cgroup.ts';
import type { CgroupFolder } from '#lib/cgroup.ts';

/** Whole CPUs, rounded down, at least 1: half a CPU does not keep another event loop busy. */
export function cpuLimit(root?: string, own?: string, available = availableParallelism()): number {
  const place = { ...(root === undefined ? {} : { root }), ...(own === undefined ? {} : { own }) };
  const limits = cgroupFolders('cpu', place).map(limitOf);
  return Math.max(1, Math.floor(Math.min(available, ...limits.filter((limit) => limit !== null))));
}

/** The limit of one group, in CPUs: `cpu.max` is `quota period` or `max period`, microseconds. */
function limitOf({ version, path: folder }: CgroupFolder): number | null {
  if (version === 1) return limitV1(folder);
  const [quota, period] = readCgroup(path.join(folder, 'cpu.max')).trim().split(' ');
  return ratio(Number(quota), Number(period));
}

function limitV1(folder: string): number | null {
  const quota = readCgroup(path.join(folder, 'cpu.cfs_quota_us')).trim();
  return quota === '' ? null : ratio(Number(quota), Number(readCgroup(path.join(folder, 'cpu.cfs_period_us'))));
}

/** Null without a limit: no file, `max` (version 2), -1 (version 1). */
function ratio(quota: number, period: number): number | null {
  const limit = quota / period;
  return quota > 0 && Number.isFinite(limit) ? limit : null;
}
