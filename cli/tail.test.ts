import { expect, test } from '@jest/globals';
import { parseFilter } from '#api/access-log/filter.ts';
import { filterOf } from './tail.ts';

const valuesOf = (flags: Readonly<Record<string, string>>) => ({ text: (name: string) => flags[name] ?? '' });

test('the flags are one rule of the filter', () => {
  const filter = filterOf(valuesOf({ route: 'shop/cart,infra/*', status: '5xx', client: '192.0.2.7', principal: 'alice,shop/app' }));
  expect(parseFilter(filter)).toMatchObject({
    ok: true,
    value: [{ routes: ['shop/cart', 'infra/*'], statuses: [[500, 599]], clients: ['192.0.2.7'], principals: ['alice', 'shop/app'] }],
  });
  expect(filterOf(valuesOf({}))).toBe('');
});

test('a filter excludes them', () => {
  expect(filterOf(valuesOf({ filter: 'error' }))).toBe('error');
  expect(() => filterOf(valuesOf({ filter: 'error', status: '5xx' }))).toThrow('--filter and --status exclude each other');
});
