// Compares the names of test files with their requirements (`groups.ts`): otherwise `npm run test:unit` could start clusters.
import { describe, expect, test } from '@jest/globals';
import { GROUPS, groupOf, LONGEST, matchOf, rankOf } from './groups.ts';
import type { Group } from './groups.ts';
import { filesBelow, valueImportsOf } from './support/imports.ts';

/** Files that start a cluster, and files that build a tool. */
const STARTS_CLUSTER = ['test/cluster/cluster.ts'];
const BUILDS_TOOL = ['test/support/go-tool.ts', 'test/cluster/build.ts', 'test/docs/site.ts'];

const FOLDERS = ['lib', 'api', 'crds', 'controller', 'proxy', 'migrate', 'admin', 'cli', 'bench', 'test'];
const tests = FOLDERS.flatMap(filesBelow).filter((file) => file.endsWith('.test.ts'));

function reached(from: string): ReadonlySet<string> {
  const found = new Set([from]);
  for (const file of found) for (const target of valueImportsOf(file)) found.add(target);
  return found;
}

function neededBy(file: string): Group {
  const files = reached(file);
  if (STARTS_CLUSTER.some((needed) => files.has(needed))) return 'cluster';
  return BUILDS_TOOL.some((needed) => files.has(needed)) ? 'tool' : 'unit';
}

describe('groups of tests', () => {
  test('are all in use', () => {
    expect(new Set(tests.map(groupOf))).toEqual(new Set(GROUPS));
  });

  test('match the names of files: rename the listed ones', () => {
    const misnamed = tests.filter((file) => groupOf(file) !== neededBy(file)).map((file) => `${file} is of group ${neededBy(file)}`);
    expect(misnamed).toEqual([]);
  });

  test('that need a cluster are under test/, not beside the source', () => {
    expect(tests.filter((file) => groupOf(file) === 'cluster' && !file.startsWith('test/'))).toEqual([]);
  });

  test('begin with the longest', () => {
    expect(tests).toEqual(expect.arrayContaining([...LONGEST]));
    const sorted = tests.toSorted((a, b) => rankOf(a) - rankOf(b));
    expect(sorted.slice(0, LONGEST.length)).toEqual(LONGEST);
  });

  test('choose files that no other group chooses', () => {
    expect(matchOf(['unit'])).toEqual(['--testMatch', '**/*.test.ts', '!**/*.tool.test.ts', '!**/*.cluster.test.ts']);
    expect(matchOf(['unit', 'tool'])).toEqual(['--testMatch', '**/*.test.ts', '**/*.tool.test.ts', '!**/*.cluster.test.ts']);
    expect(matchOf(['tool', 'cluster'])).toEqual(['--testMatch', '**/*.tool.test.ts', '**/*.cluster.test.ts']);
  });
});
