import { expect, test } from '@jest/globals';
import { RespReader, type RespAnswer } from './resp-reader.ts';

function answersTo(...chunks: readonly string[]): RespAnswer[] {
  const answers: RespAnswer[] = [];
  const reader = new RespReader((answer) => answers.push(answer));
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return answers;
}

const SEVERAL = '*4\r\n:1\r\n:25\r\n:-1\r\n:0\r\n-NOSCRIPT No matching script.\r\n:7\r\n+OK\r\n*0\r\n';
const EXPECTED = [[1, 25, -1, 0], new Error('NOSCRIPT No matching script.'), [7], [], []];

test('reads lists, numbers, texts and errors', () => {
  expect(answersTo(SEVERAL)).toEqual(EXPECTED);
});

test('reads answers in any parts', () => {
  for (let at = 1; at < SEVERAL.length; at++) expect(answersTo(SEVERAL.slice(0, at), SEVERAL.slice(at))).toEqual(EXPECTED);
  expect(answersTo(...SEVERAL)).toEqual(EXPECTED);
});

test.each([
  ['a text in a list', '*2\r\n:1\r\n+OK\r\n'],
  ['a list in a list', '*2\r\n*1\r\n:1\r\n'],
  ['a text of bytes', '$2\r\nab\r\n'],
  ['a number without digits', ':\r\n'],
  ['a sign without digits', ':-\r\n'],
  ['a number with letters', ':1a\r\n'],
  ['a negative length', '*-1\r\n'],
  ['a huge length', '*99999\r\n'],
  ['an empty line', '\r\n'],
  ['a line without an end', `-${'x'.repeat(70_000)}`],
])('refuses %s', (_, text) => {
  expect(() => answersTo(text)).toThrow();
});
