// docs/reference/filters.md has the order of all filters.
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { POSITIONS } from '#api/k8s/extension/positions.ts';
import { FILTERS } from './index.ts';

test('the page has every filter, in the order of the list', () => {
  const page = readFileSync(new URL('../../docs/reference/filters.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (\w+) \|.*\|$/gm)].map(([, name]) => name).filter((name) => name !== 'Filter');
  expect(rows).toEqual(FILTERS.map(({ name }) => name));
});

test('every filter has a position of its name, except extensions and the last (api/k8s/extension/positions.ts, npm run crds)', () => {
  const fixed = FILTERS.filter(({ isExtension, isLast }) => isExtension !== true && isLast !== true);
  expect(POSITIONS).toEqual(fixed.map(({ name }) => name));
});
