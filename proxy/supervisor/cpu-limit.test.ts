// CPU limits from control groups, as in containers.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cpuLimit } from './cpu-limit.ts';

let root = '';
beforeEach(() => void (root = mkdtempSync(path.join(tmpdir(), 'weir-cgroup-'))));
afterEach(() => rmSync(root, { recursive: true }));

function put(file: string, text: string): string {
  const full = path.join(root, file);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

describe('cpuLimit', () => {
  test.each([
    ['200000 100000\n', 2],
    ['150000 100000\n', 1],
    ['10000 100000\n', 1],
    ['max 100000\n', 8],
    ['1600000 100000\n', 8],
    ['nonsense', 8],
  ])('version 2 with cpu.max %j of 8 CPUs', (text, expected) => {
    put('cpu.max', text);
    expect(cpuLimit(root, put('self', '0::/\n'), 8)).toBe(expected);
  });

  test('the lowest limit of the group and its parents applies', () => {
    put('kubepods/cpu.max', '300000 100000\n');
    put('kubepods/pod/cpu.max', 'max 100000\n');
    expect(cpuLimit(root, put('self', '0::/kubepods/pod\n'), 8)).toBe(3);
  });

  test('version 1', () => {
    put('cpu/docker/cpu.cfs_quota_us', '400000\n');
    put('cpu/docker/cpu.cfs_period_us', '100000\n');
    put('cpu/cpu.cfs_quota_us', '-1\n');
    put('cpu/cpu.cfs_period_us', '100000\n');
    expect(cpuLimit(root, put('self', '7:memory:/docker\n4:cpu,cpuacct:/docker\n'), 8)).toBe(4);
  });

  test('without control groups all CPUs count', () => {
    expect(cpuLimit(path.join(root, 'none'), path.join(root, 'none'), 8)).toBe(8);
  });
});
