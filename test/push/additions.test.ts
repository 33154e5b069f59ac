// Every field of the IR that the previous release does not know must be in the table that adapts resources for older proxies.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ADDITIONS } from '#api/wire/additions.ts';
import { formerRelease, ROOT } from '../support/former-release.ts';
import { irPaths } from '../support/ir-paths.ts';

let added: readonly string[];
let known: ReadonlySet<string>;

beforeAll(async () => {
  const [former, own] = await Promise.all([irPaths(await formerRelease()), irPaths(ROOT)]);
  known = former;
  added = [...own].filter((path) => !former.has(path));
});

/** Whether a path belongs to the addition. */
function covers(addition: string, path: string): boolean {
  return path === addition || ['.', '[', '='].some((next) => path.startsWith(`${addition}${next}`));
}

describe('the table of additions to the IR', () => {
  test('has every addition: see "Adding to the IR" in CONTRIBUTING.md', () => {
    expect(added.filter((path) => !ADDITIONS.some((addition) => covers(addition.path, path)))).toEqual([]);
  });

  test('has no entry that the previous release knows, or that no longer exists', () => {
    expect(ADDITIONS.filter(({ path }) => known.has(path) || !added.some((own) => covers(path, own)))).toEqual([]);
  });

  test('leaves out fields only, never values or kinds', () => {
    const fields = /^[A-Za-z]+(?:\.[A-Za-z0-9]+(?:\[\])?)+$/;
    expect(ADDITIONS.filter(({ path, otherwise }) => otherwise.startsWith('omit') && !fields.test(path))).toEqual([]);
  });
});
