import { expect, test } from '@jest/globals';
import type { JsonValue } from './canonical-json.ts';
import { fieldDiff, type FieldChange } from './field-diff.ts';

const route = (rules: JsonValue): JsonValue => ({ kind: 'HTTPRoute', spec: { rules } });
const rule = (weight: number): JsonValue => ({ backendRefs: [{ name: 'cart', weight }] });

const cases: readonly (readonly [string, JsonValue | undefined, JsonValue | undefined, readonly FieldChange[]])[] = [
  ['equal values', route([rule(1)]), route([rule(1)]), []],
  ['the order of members', { a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }, []],
  ['a new object', undefined, { a: 1 }, [{ path: '', after: { a: 1 } }]],
  ['a removed object', { a: 1 }, undefined, [{ path: '', before: { a: 1 } }]],
  ['a changed field', { a: { b: 1 } }, { a: { b: 2 } }, [{ path: 'a.b', before: 1, after: 2 }]],
  ['another type', { a: [1] }, { a: { 0: 1 } }, [{ path: 'a', before: [1], after: { 0: 1 } }]],
  [
    'added and removed fields',
    { a: 1, b: null },
    { b: null, c: [] },
    [
      { path: 'a', before: 1 },
      { path: 'c', after: [] },
    ],
  ],
  ['names that are no words', { l: { 'a.b/c': 'x' } }, { l: { 'a.b/c': 'y' } }, [{ path: 'l["a.b/c"]', before: 'x', after: 'y' }]],
  [
    'entries with names, in another order',
    [{ name: 'http', port: 80 }, { name: 'https' }],
    [{ name: 'https' }, { name: 'http', port: 81 }],
    [{ path: '[name=http].port', before: 80, after: 81 }],
  ],
  ['a new first rule', route([rule(1), rule(2)]), route([rule(9), rule(1), rule(2)]), [{ path: 'spec.rules[0]', after: rule(9) }]],
  ['a removed rule', route([rule(1), rule(2), rule(3)]), route([rule(1), rule(3)]), [{ path: 'spec.rules[1]', before: rule(2) }]],
  [
    'a rule within others',
    route([rule(1), rule(2), rule(3)]),
    route([rule(1), rule(5), rule(3)]),
    [{ path: 'spec.rules[1].backendRefs[name=cart].weight', before: 2, after: 5 }],
  ],
  ['repeated entries', [1, 1, 1], [1, 1], [{ path: '[2]', before: 1 }]],
  ['inherited names', { constructor: 1 }, {}, [{ path: 'constructor', before: 1 }]],
  ['__proto__', JSON.parse('{"__proto__":1}') as JsonValue, {}, [{ path: '__proto__', before: 1 }]],
];

test.each(cases)('%s', (_, before, after, changes) => {
  expect(fieldDiff(before, after)).toEqual(changes);
});

test('another order of named entries is a change of the list', () => {
  const [a, b]: readonly JsonValue[] = [{ name: 'a' }, { name: 'b' }];
  expect(fieldDiff({ l: [a!, b!] }, { l: [b!, a!] })).toEqual([{ path: 'l', before: [a, b], after: [b, a] }]);
});
