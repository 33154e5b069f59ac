// The number of CPUs that this process may use, by the limit of its control group. It is the number of workers.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/** The mount point of control groups. */
const CGROUP_ROOT = '/sys/fs/cgroup';
const OWN_CGROUP = '/proc/self/cgroup';

/** Whole CPUs, rounded down, at least 1: half a CPU does not keep another event loop busy. */
export function cpuLimit(root = CGROUP_ROOT, own = OWN_CGROUP, available = availableParallelism()): number {
  const limits = groupsOf(read(own)).flatMap((group) => limitsOf(root, group));
  return Math.max(1, Math.floor(Math.min(available, ...limits)));
}

/** A control group; `controller` is '' in version 2. */
interface Group {
  readonly controller: string;
  readonly path: string;
}

/** Lines are `id:controllers:path` (cgroups(7)); version 2 has no controllers. Inside a container the path is often just `/`. */
function groupsOf(text: string): Group[] {
  return text.split('\n').flatMap((line) => {
    const [, controllers, ...rest] = line.split(':');
    if (controllers === '') return [{ controller: '', path: rest.join(':') }];
    return controllers?.split(',').includes('cpu') === true ? [{ controller: controllers, path: rest.join(':') }] : [];
  });
}

/** The limits of a group and all its parents, in CPUs: all of them apply. */
function limitsOf(root: string, group: Group): number[] {
  const base = group.controller === '' ? root : path.join(root, 'cpu');
  const limits: number[] = [];
  for (let folder = path.join(base, group.path); folder.startsWith(base); folder = path.dirname(folder)) {
    const limit = group.controller === '' ? limitV2(folder) : limitV1(folder);
    if (limit !== null) limits.push(limit);
  }
  return limits;
}

/** `cpu.max` is `quota period` or `max period`, microseconds. */
function limitV2(folder: string): number | null {
  const [quota, period] = read(path.join(folder, 'cpu.max')).trim().split(' ');
  return ratio(Number(quota), Number(period));
}

function limitV1(folder: string): number | null {
  const quota = read(path.join(folder, 'cpu.cfs_quota_us')).trim();
  return quota === '' ? null : ratio(Number(quota), Number(read(path.join(folder, 'cpu.cfs_period_us'))));
}

/** Null without a limit: no file, `max` (version 2), -1 (version 1). */
function ratio(quota: number, period: number): number | null {
  const limit = quota / period;
  return quota > 0 && Number.isFinite(limit) ? limit : null;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not Linux, or not mounted: no limit is known.
    return '';
  }
}
