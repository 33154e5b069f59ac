// Holds the table of RFC 9111 in docs/reference/cache.md to the tests that it names.
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const SOURCES = ['proxy/cache/rules.test.ts', 'test/processing/cache.test.ts'].map((file) => readFileSync(file, 'utf8'));
const ROW = /^\| [345][0-9.]* \| [A-Z ]+ \| .* \| `([^`]+)` \|$/gm;

/** The names of tests in the rows of the table. */
const named = [...readFileSync('docs/reference/cache.md', 'utf8').matchAll(ROW)].map(([, name = '']) => name);

/** Whether a file has a test of this name: `%s` in a title stands for the cases of its table, of which a row may name one. */
function exists(name: string): boolean {
  const parts = name.split(' › ');
  return SOURCES.some((source) => parts.every((part) => hasTitle(source, part)));
}

function hasTitle(source: string, title: string): boolean {
  if (source.includes(`'${title}'`)) return true;
  // A case: the title of its table has one placeholder or more, and its first value is in the source.
  return [...source.matchAll(/\]\)\('([^']*%[sjd][^']*)'/g)].some(([, pattern = '']) => {
    const form = new RegExp(
      `^${pattern
        .split(/%[sjd]/)
        .map(escaped)
        .join('(.*)')}$`,
    );
    const values = form.exec(title)?.slice(1);
    return values?.every((value) => source.includes(`'${value}'`)) === true;
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

test('the table has rows', () => expect(named.length).toBeGreaterThan(50));

test('every row names a test that exists', () => {
  expect([...new Set(named)].filter((name) => !exists(name))).toEqual([]);
});
