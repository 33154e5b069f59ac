import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { radixEntries, radixGet, radixSet, type RadixNode } from './radix.ts';

const key = fc.array(fc.constantFrom('a', 'b', '/', 'ab', '~'), { maxLength: 6 }).map((parts) => parts.join(''));
const steps = fc.array(fc.tuple(key, fc.option(fc.nat())), { maxLength: 30 });

test('it is an immutable Map, in the order of its keys', () => {
  fc.assert(
    fc.property(steps, (changes) => {
      const model = new Map<string, number>();
      let root: RadixNode<number> | null = null;
      for (const [at, value] of changes) {
        const before: RadixNode<number> | null = root;
        const entriesBefore = [...radixEntries(before)];
        root = radixSet(root, at, value);
        if (value === null) model.delete(at);
        else model.set(at, value);
        expect([...radixEntries(root)]).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
        expect([...radixEntries(before)]).toEqual(entriesBefore);
        expect(radixGet(root, at)).toBe(value);
      }
    }),
  );
});

test('its structure depends only on its keys', () => {
  fc.assert(
    fc.property(steps, (changes) => {
      let grown: RadixNode<number> | null = null;
      for (const [at, value] of changes) grown = radixSet(grown, at, value);
      let made: RadixNode<number> | null = null;
      for (const [at, value] of radixEntries(grown)) made = radixSet(made, at, value);
      expect(made).toEqual(grown);
    }),
  );
});

test('a change shares all unaffected branches', () => {
  const before = radixSet(radixSet<number>(null, '/a/1', 1), '/b/1', 1);
  const after = radixSet(before, '/b/2', 2);
  expect(after?.children[0]).toBe(before?.children[0]);
});
