import { describe, expect, test } from '@jest/globals';
import { innerListText, itemText, parseDictionary } from './structured-fields.ts';

const BOUNDS = { maxLength: 200, maxMembers: 3, maxItems: 4 };

function textOf(field: string): string[] | string {
  const parsed = parseDictionary(field, BOUNDS);
  if (!parsed.ok) return parsed.error;
  return [...parsed.value].map(([key, member]) => `${key}=${'items' in member ? innerListText(member) : itemText(member)}`);
}

test('reads every kind of item, and writes it in its canonical form', () => {
  expect(textOf('a=1;x;y=?0,\t b=-2.50 ,c=("q\\"\\\\" t/k:*  :aGk:);z=tok')).toEqual([
    'a=1;x;y=?0',
    'b=-2.5',
    'c=("q\\"\\\\" t/k:* :aGk=:);z=tok',
  ]);
  expect(textOf('a, b;c=2.0')).toEqual(['a=?1', 'b=?1;c=2.0']);
  expect(textOf('')).toEqual([]);
});

describe('refuses', () => {
  test.each([
    ['a key twice', 'a=1, a=2'],
    ['a parameter twice', 'a;x=1;x=2'],
    ['a key in upper case', 'A=1'],
    ['a comma at the end', 'a=1,'],
    ['two commas', 'a=1,,b=2'],
    ['no comma', 'a=1 b=2'],
    ['a list that does not end', 'a=("x"'],
    ['a list in a list', 'a=(("x"))'],
    ['items without a space', 'a=("x""y")'],
    ['a tab in a list', 'a=("x"\t"y")'],
    ['a string that does not end', 'a="x'],
    ['another escape', 'a="\\n"'],
    ['a character of a string that is not ASCII', 'a="é"'],
    ['a number that is too long', `a=${'9'.repeat(16)}`],
    ['a decimal that is too long', 'a=1234567890123.1'],
    ['too many decimals', 'a=1.2345'],
    ['no decimals', 'a=1.'],
    ['a plus', 'a=+1'],
    ['bytes that do not end', 'a=:aGk='],
    ['bytes of another alphabet', 'a=:_-_-:'],
    ['bytes with bits after their end', 'a=:aGl=:'],
    ['padding in the middle', 'a=:aG=k:'],
    ['a date', 'a=@1618884473'],
    ['too many members', 'a,b,c,d'],
    ['too many items', 'a=(1 2 3 4 5)'],
    ['too many parameters', 'a;b;c;d;e;f'],
    ['a long field', `a="${'x'.repeat(200)}"`],
    ['a space before =', 'a =1'],
    ['an equals sign alone', '='],
  ])('%s', (_, field) => {
    expect(typeof textOf(field)).toBe('string');
  });
});

test('a bomb costs no more than its length', () => {
  const bounds = { maxLength: 1_000_000, maxMembers: 4, maxItems: 32 };
  const started = performance.now();
  for (const bomb of [
    `a=${'('.repeat(500_000)}`,
    `a=(${'"x" '.repeat(200_000)})`,
    `a${';b=1'.repeat(200_000)}`,
    `a="${'\\"'.repeat(400_000)}`,
  ])
    expect(parseDictionary(bomb, bounds).ok).toBe(false);
  expect(performance.now() - started).toBeLessThan(5_000);
});
