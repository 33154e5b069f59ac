// Expansion of commands and variables, and parsing of quantities.
import { expect, test } from '@jest/globals';
import { expanded } from './environment.ts';
import { parseQuantity } from './fields.ts';

test.each([
  ['$(A) and $(B)', '1 and $(B)'],
  ['$$(A)', '$(A)'],
  ['$A', '$A'],
  ['$(constructor)', '$(constructor)'],
  ['$(A', '$(A'],
])('%s becomes %s', (text, value) => {
  expect(expanded(text, { A: '1' })).toBe(value);
});

test.each([
  ['1500m', 1.5],
  ['2', 2],
  ['0.5', 0.5],
  ['64Mi', 64 * 1024 * 1024],
  ['1G', 1e9],
])('%s is %d', (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value);
});

test('invalid quantities are refused', () => {
  expect(() => parseQuantity('many')).toThrow('many');
});
