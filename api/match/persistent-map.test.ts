import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PersistentMap } from './persistent-map.ts';

test('a change creates a new map and does not change the old one', () => {
  const before = PersistentMap.empty<number>().with(new Map([['a', 1]]));
  const after = before.with(new Map<string, number | null>([['a', null], ['b', 2]])); // prettier-ignore
  expect([before.get('a'), before.get('b'), before.size]).toEqual([1, null, 1]);
  expect([after.get('a'), after.get('b'), after.size]).toEqual([null, 2, 1]);
});

test('versions with the same origin are independent', () => {
  const root = PersistentMap.empty<number>();
  const left = root.with(new Map([['a', 1]]));
  const right = root.with(new Map([['b', 2]]));
  expect([...left.entries()]).toEqual([['a', 1]]);
  expect([...right.entries()]).toEqual([['b', 2]]);
});

test('removed keys leave no memory behind', () => {
  let map = PersistentMap.empty<number>().with(new Map([['stays', 0]]));
  for (let i = 0; i < 5000; i++) map = map.with(new Map([[`host-${i}`, i]])).with(new Map([[`host-${i}`, null]]));
  expect([...map.entries()]).toEqual([['stays', 0]]);
  expect(map.capacity).toBeLessThan(2000);
});

test('it is a Map for all keys', () => {
  const changes = fc.array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', 'constructor', ''), fc.option(fc.nat())));
  fc.assert(
    fc.property(changes, (steps) => {
      const model = new Map<string, number>();
      let map = PersistentMap.empty<number>();
      for (const [key, value] of steps) {
        map = map.with(new Map([[key, value]]));
        if (value === null) model.delete(key);
        else model.set(key, value);
        expect(new Map(map.entries())).toEqual(model);
        expect(map.size).toBe(model.size);
        expect(map.get(key)).toBe(value);
      }
    }),
  );
});
