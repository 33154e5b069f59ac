// docs/reference/admin-security.md: every row names a requirement once per protection, in order, and a test that exists.
import { expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const PAGE = readFileSync(path.join(ROOT, 'docs/reference/admin-security.md'), 'utf8');

interface Row {
  readonly requirement: string;
  readonly file: string;
  readonly title: string;
}

const rows: readonly Row[] = PAGE.split('\n').flatMap((line) => {
  const [, requirement = '', file = '', title = ''] = /^\| (\d+\.\d+\.\d+) \| .+ \| `([^`]+)`: (.+) \|$/.exec(line) ?? [];
  return requirement === '' ? [] : [{ requirement, file, title }];
});
const open = [...PAGE.slice(PAGE.indexOf('## Requirements that are not met')).matchAll(/^\| (\d+\.\d+\.\d+) \|/gm)].map(
  ([, found = '']) => found,
);

/** The titles of the tests in a file. */
function titlesIn(file: string): readonly string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:\btest|\))\(\s*'((?:[^'\\]|\\.)*)'/g)].map(([, title = '']) => title.replaceAll("\\'", "'"));
}

function numbersOf(requirement: string): number {
  return requirement.split('.').reduce((sum, part) => sum * 1_000 + Number(part), 0);
}

test('each row of the table is read', () => {
  const all = PAGE.split('\n').filter((line) => /^\| \d/.test(line));
  expect(rows.length + open.length).toBe(all.length);
  expect(rows.length).toBeGreaterThan(80);
});

test('requirements are in order, and none is both met and open', () => {
  const numbers = rows.map(({ requirement }) => numbersOf(requirement));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(rows.filter(({ requirement }) => open.includes(requirement))).toEqual([]);
});

test.each(rows.map((row) => [row.requirement, row.file, row.title]))('%s has its test: %s, %s', (_, file, title) => {
  expect(existsSync(path.join(ROOT, file))).toBe(true);
  expect(titlesIn(file)).toContain(title);
});
