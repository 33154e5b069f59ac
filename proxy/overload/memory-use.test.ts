// The memory of a container against its limit, from the files of control groups.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryUse } from './memory-use.ts';

let root = '';
beforeEach(() => void (root = mkdtempSync(path.join(tmpdir(), 'weir-cgroup-'))));
afterEach(() => rmSync(root, { recursive: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    const full = path.join(root, file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
}

/** The severity after a sample, with a threshold of 80 %. */
function severity(): number {
  const use = new MemoryUse(80, { root, own: path.join(root, 'self') });
  use.sample(1);
  return use.severity;
}

describe('version 2', () => {
  test.each([
    ['half of the threshold', '400', '0', 0.5],
    ['the threshold', '800', '0', 1],
    ['everything', '1000', '0', 4],
    ['files that were not used recently', '1000', '200', 1],
  ])('%s', (_, current, cached, expected) => {
    const stat = `anon 1\ninactive_file ${cached}\nactive_file 7\n`;
    put({ self: '0::/pod\n', 'pod/memory.max': '1000\n', 'pod/memory.current': current, 'pod/memory.stat': stat });
    expect(severity()).toBeCloseTo(expected, 5);
  });

  test('the parent nearest to its limit counts', () => {
    put({ self: '0::/a/b\n', 'a/b/memory.max': '1000', 'a/b/memory.current': '10', 'a/memory.max': '100', 'a/memory.current': '90' });
    expect(severity()).toBeCloseTo(2.5, 5);
  });

  test('without a limit there is no severity', () => {
    put({ self: '0::/\n', 'memory.max': 'max\n', 'memory.current': '1000\n' });
    expect(severity()).toBe(0);
  });
});

test('version 1', () => {
  put({
    self: '4:cpu:/c\n3:memory:/c\n',
    'memory/c/memory.limit_in_bytes': '1000',
    'memory/c/memory.usage_in_bytes': '900',
    'memory/c/memory.stat': 'inactive_file 800\ntotal_inactive_file 100\n',
    'memory/memory.limit_in_bytes': '9223372036854771712',
    'memory/memory.usage_in_bytes': '5000',
  });
  expect(severity()).toBeCloseTo(1, 5);
});

test('without control groups there is no severity', () => {
  expect(severity()).toBe(0);
});
