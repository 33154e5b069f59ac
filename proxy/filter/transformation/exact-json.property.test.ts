// Random JSON keeps its values and the digits of its numbers, and random changes at random places end without an error.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EACH, type PointerStep } from '#lib/json-pointer.ts';
import { parseJson, readable, setMember, ValueBudget, type Json } from './exact-json.ts';
import { mapAt, moveTo, removeAt, renameAt, setAt } from './tree-edits.ts';

const NAMES = ['a', 'b', '0', '1', '-', '', '__proto__', 'constructor', 'toString', 'length'];
const name = fc.constantFrom(...NAMES);
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.constantFrom('0', '7', '12345678901234567890'),
    fc.constantFrom('', '.0', '.10'),
    fc.constantFrom('', 'e5', 'E-400', 'e400'),
  )
  .map((parts) => parts.join(''));

/** The text of a value. */
const { text } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4 },
    number,
    fc.constantFrom('null', 'true', 'false'),
    fc.string().map((value) => JSON.stringify(value)),
    fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(name, tie('text')), { maxLength: 4, selector: ([key]) => key })
      .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
  ),
}));

const parsed = (source: string): Json => (parseJson(Buffer.from(source), 64) as { value: Json }).value;

/** JSON.parse moves members with numbers as names to the front. */
function hasOrder(source: string): boolean {
  const names = (json: string): string[] => json.match(/"(?:[^"\\]|\\.)*":/g) ?? [];
  return names(JSON.stringify(JSON.parse(source))).join() === names(source).join();
}

test('a text is written as it was read', () => {
  fc.assert(
    fc.property(text, (source) => {
      fc.pre(hasOrder(source));
      expect(JSON.stringify(parsed(source))).toBe(source);
      expect(JSON.stringify(readable(parsed(source)))).toBe(JSON.stringify(JSON.parse(source)));
    }),
    { numRuns: 500 },
  );
});

test('changes at any place end, and touch no object but the body', () => {
  const step: fc.Arbitrary<PointerStep> = fc.oneof(name, fc.constant(EACH));
  const pointer = fc.array(step, { minLength: 1, maxLength: 4 });
  const place = fc.array(name, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(text, pointer, pointer, place, place, (source, first, second, from, to) => {
      const root = parsed(source);
      setAt(root, first, () => ({ made: 1 }));
      mapAt(root, second, (value) => (typeof value === 'object' ? undefined : [value]));
      moveTo(root, from, to);
      renameAt(root, second, '__proto__');
      removeAt(root, first);
      expect(typeof JSON.stringify(root)).toBe('string');
      expect([Object.keys(Object.prototype), ({} as { made?: unknown }).made]).toEqual([[], undefined]);
    }),
    { numRuns: 1_000 },
  );
});

test('a value of an expression is bounded, and has members of any name', () => {
  const made = new ValueBudget(100).json(
    new Map<string, unknown>([
      ['__proto__', 5n],
      ['b', 2n ** 70n],
      ['c', [new Date(0), Infinity]],
    ]),
  );
  expect(JSON.stringify(made)).toBe('{"__proto__":5,"b":1180591620717411303424,"c":["1970-01-01T00:00:00.000Z",null]}');
  const wide = Array.from({ length: 101 }, () => 0);
  expect(() => new ValueBudget(100).json(wide)).toThrow('too large');
  const plain = {};
  setMember(plain, '__proto__', 1);
  expect(JSON.stringify(new ValueBudget(100).json(plain))).toBe('{"__proto__":1}');
  expect(() => new ValueBudget(100).json(new Set())).toThrow('none of JSON');
});
