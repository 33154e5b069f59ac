// Bindings of methods: paths and fields that are right and wrong, and the binding of a request among several.
import { describe, expect, test } from '@jest/globals';
import { fieldOf, fileOf, messageOf, rawMessage, REPEATED, setOf } from '../../test/support/descriptors.ts';
import type { BindingTable } from './binding-table.ts';
import type { Binding } from './binding.ts';
import { readDescriptors, tableOf } from './descriptors.ts';
import { readPathPattern } from './path-pattern.ts';

const HTTP = 72_295_728;
const GET = 2;
const POST = 4;

const MESSAGE = messageOf('M', [
  fieldOf('name', 1, 'string'),
  fieldOf('inner', 2, '.t.M'),
  fieldOf('list', 3, 'string', REPEATED),
  fieldOf('number', 4, 'int64'),
]);

/** The descriptors of methods with these rules. */
function descriptors(...rules: readonly Buffer[]): Buffer {
  const methods = rules.map((rule, index): [number, Buffer] => [
    2,
    rawMessage([1, `M${index}`], [2, '.t.M'], [3, '.t.M'], [4, rawMessage([HTTP, rule])]),
  ]);
  return setOf(fileOf([MESSAGE], [6, rawMessage([1, 'S'], ...methods)]));
}

function faults(...rules: readonly Buffer[]): readonly string[] {
  const read = readDescriptors(descriptors(...rules));
  return read.ok ? [] : read.error;
}

describe('a fault names the method, the path and the reason', () => {
  test.each<[string, Buffer, string]>([
    ['no path', rawMessage([7, '*']), 'its google.api.http has no path'],
    ['a path without a slash', rawMessage([GET, 'v1']), 'the path of GET v1 must be segments with a "/" before each'],
    ['an empty segment', rawMessage([GET, '/v1//a']), 'the path of GET /v1//a has the invalid segment ""'],
    ['a brace without an end', rawMessage([GET, '/v1/{name']), 'the path of GET /v1/{name has the invalid segment ""'],
    ['anything before the end', rawMessage([GET, '/**/a']), 'the path of GET /**/a has "**" before its end'],
    ['a field twice', rawMessage([GET, '/{name}/{name}']), 'the path of GET /{name}/{name} has the field name twice'],
    ['an unknown field', rawMessage([GET, '/{nam}']), 'the path of GET /{nam}: t.M has no field nam'],
    ['a field of a scalar', rawMessage([GET, '/{name.x}']), 'the path of GET /{name.x}: name.x has no field x'],
    ['a list', rawMessage([GET, '/{list}']), 'the path of GET /{list}: the field list is a list or a map'],
    ['a message', rawMessage([GET, '/{inner}']), 'the path of GET /{inner}: the field inner is a message'],
    ['an invalid verb', rawMessage([GET, '/a:b c']), 'the path of GET /a:b c has the invalid verb "b c"'],
    ['an unknown body', rawMessage([POST, '/a'], [7, 'x']), 'the body of POST /a: t.M has no field x'],
    ['an unknown response_body', rawMessage([GET, '/a'], [12, 'x']), 'response_body of GET /a: t.M has no field x'],
    ['a method that HTTP has not', rawMessage([8, rawMessage([1, 'A B'], [2, '/a'])]), '"A B" is no method of HTTP'],
  ])('%s', (_, rule, reason) => {
    expect(faults(rule)).toEqual([`t.S.M0: ${reason}`]);
  });

  test('also of additional bindings, and of two methods with the same path', () => {
    expect(faults(rawMessage([GET, '/a'], [11, rawMessage([GET, '/{x}'])]))).toEqual(['t.S.M0: the path of GET /{x}: t.M has no field x']);
    expect(faults(rawMessage([GET, '/a/{name}']), rawMessage([GET, '/a/{number}']))).toEqual([
      't.S.M1: GET /a/{number} is a path of t.S.M0 too',
    ]);
  });
});

test('a path that would need endless time or memory is refused', () => {
  expect(readPathPattern(`/${'a/'.repeat(1_000)}a`).ok).toBe(false);
  expect(readPathPattern(`/{name=${'*/'.repeat(400)}*}`).ok).toBe(true);
});

describe('the binding of a request', () => {
  const read = readDescriptors(
    descriptors(
      rawMessage([GET, '/a/b']),
      rawMessage([GET, '/a/{name}']),
      rawMessage([GET, '/a/{name}:go']),
      rawMessage([GET, '/{name=a/*/c}']),
      rawMessage([GET, '/rest/{name=**}']),
      rawMessage([GET, '/rest/{name=**}:go']),
      rawMessage([8, rawMessage([1, '*'], [2, '/any'])]),
      rawMessage([POST, '/a/b']),
    ),
  );
  const table: BindingTable = tableOf(read.ok ? read.value : { schema: undefined as never, bindings: [] }, null, false);
  const found = (method: string, path: string): unknown => {
    const result = table.find(method, path);
    return result !== null && 'binding' in result ? (result.binding as Binding).method.name : result;
  };

  test.each([
    ['/a/b', 'M0'],
    ['/a/x', 'M1'],
    ['/a/b:go', 'M2'],
    ['/a/x:stay', 'M1'],
    ['/a/b/c', 'M3'],
    ['/rest', 'M4'],
    ['/rest/a/b', 'M4'],
    ['/rest/a/b:go', 'M5'],
    ['/any', 'M6'],
    ['/a/', null],
    ['/a', null],
    ['/b', null],
    ['/a/b/c/d', null],
  ])('%s', (path, name) => {
    expect(found('GET', path)).toBe(name);
  });

  test('is that of GET for HEAD; other methods are listed', () => {
    expect([found('HEAD', '/a/x'), found('PUT', '/any'), found('PUT', '/a/b'), found('PUT', '/a/x')]).toEqual([
      'M1',
      'M6',
      ['GET', 'POST'],
      ['GET'],
    ]);
  });
});
