// Bytes, JSON and descriptors that are made to harm: each is refused with its reason, before it costs much.
import { describe, expect, test } from '@jest/globals';
import { decodeMessage } from '#lib/protobuf/decode.ts';
import { readDescriptorSet } from '#lib/protobuf/descriptor-set.ts';
import { messageOfJson } from '#lib/protobuf/json-reader.ts';
import { jsonOfMessage } from '#lib/protobuf/json-writer.ts';
import { PROTOBUF_LIMITS } from '#lib/protobuf/limits.ts';
import type { Schema } from '#lib/protobuf/types.ts';
import type { Result } from '#lib/result.ts';
import { fieldOf, fileOf, messageOf, rawMessage, REPEATED, setOf } from '../support/descriptors.ts';
import type { RawField } from '../support/descriptors.ts';

const NODE = messageOf('Node', [
  fieldOf('next', 1, '.t.Node'),
  fieldOf('many', 2, '.t.Node', REPEATED),
  fieldOf('flags', 3, 'bool', REPEATED),
  fieldOf('text', 4, 'string'),
]);
const ANY = rawMessage(
  [1, 'google/protobuf/any.proto'],
  [2, 'google.protobuf'],
  [4, messageOf('Any', [fieldOf('type_url', 1, 'string'), fieldOf('value', 2, 'bytes')])],
  [12, 'proto3'],
);

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

const schema: Schema = must(readDescriptorSet(setOf(fileOf([NODE]), ANY)));
const node = schema.messages.get('t.Node')!;
const any = schema.messages.get('google.protobuf.Any')!;

/** A message with the field around it so often. */
function nested(times: number, field: number, inner: Buffer = Buffer.alloc(0), ...others: readonly RawField[]): Buffer {
  let bytes = inner;
  for (let i = 0; i < times; i++) bytes = rawMessage(...others, [field, bytes]);
  return bytes;
}

describe('bytes', () => {
  test('messages are nested up to the limit', () => {
    expect(decodeMessage(node, nested(PROTOBUF_LIMITS.maxDepth - 1, 1)).ok).toBe(true);
    expect(decodeMessage(node, nested(PROTOBUF_LIMITS.maxDepth, 1))).toEqual({ ok: false, error: 'it is nested too deeply' });
    expect(decodeMessage(node, nested(2_000, 1))).toEqual({ ok: false, error: 'it is nested too deeply' });
  });

  test('unknown groups are nested up to a limit', () => {
    const groups = (count: number): Buffer => Buffer.concat([Buffer.alloc(count, 0x7b), Buffer.alloc(count, 0x7c)]);
    expect(decodeMessage(node, groups(50)).ok).toBe(true);
    expect(decodeMessage(node, groups(100_000))).toEqual({ ok: false, error: 'it is nested too deeply' });
  });

  test('many small values are refused before they fill the memory', () => {
    expect(decodeMessage(node, rawMessage([3, Buffer.alloc(900_000)])).ok).toBe(true);
    expect(decodeMessage(node, rawMessage([3, Buffer.alloc(1_100_000)]))).toEqual({ ok: false, error: 'it has too many values' });
    const many = Buffer.alloc(2 * 200_000);
    for (let i = 0; i < many.length; i += 2) many[i] = 0x12;
    expect(decodeMessage(node, many)).toEqual({ ok: false, error: 'it has too many values' });
    const unknown = Buffer.alloc(2 * 130_000, 0x78);
    expect(decodeMessage(node, unknown)).toEqual({ ok: false, error: 'it has too many values' });
  });

  test('an Any inside of an Any is nested up to the limit', () => {
    const chain = (count: number): Buffer => nested(count, 2, Buffer.alloc(0), [1, 'x/google.protobuf.Any']);
    const writing = { schema, printDefaults: false, originalNames: false, enumsAsNumbers: false };
    expect(jsonOfMessage(must(decodeMessage(any, chain(20))), writing).ok).toBe(true);
    expect(jsonOfMessage(must(decodeMessage(any, chain(300))), writing)).toEqual({ ok: false, error: 'it is nested too deeply' });
  });
});

describe('JSON', () => {
  const read = (text: string): Result<unknown> => messageOfJson(node, text, { schema, ignoreUnknown: true });

  test('objects and arrays are nested up to the limit, also where they are ignored', () => {
    expect(read(`${'{"next":'.repeat(99)}{}${'}'.repeat(99)}`).ok).toBe(true);
    expect(read(`${'{"next":'.repeat(100)}{}${'}'.repeat(100)}`)).toEqual({ ok: false, error: 'it is nested too deeply' });
    expect(read(`{"x":${'['.repeat(100_000)}`)).toEqual({ ok: false, error: 'it is nested too deeply' });
  });

  test('many small values are refused before they fill the memory', () => {
    expect(read(`{"x":[${'{},'.repeat(130_000)}0]}`)).toEqual({ ok: false, error: 'it has too many values' });
    expect(read(`{"x":[${'0,'.repeat(1_100_000)}0]}`)).toEqual({ ok: false, error: 'it has too many values' });
  });

  test('keys that mean something to JavaScript are keys like others', () => {
    expect(messageOfJson(node, '{"__proto__":{"text":"a"}}', { schema, ignoreUnknown: false })).toEqual({
      ok: false,
      error: 't.Node has no field "__proto__"',
    });
    expect(read('{"constructor":1,"toString":2}').ok).toBe(true);
  });

  test('an error quotes only a part of the text', () => {
    const result = messageOfJson(node, `{"${'a'.repeat(100_000)}":1}`, { schema, ignoreUnknown: false });
    expect(result.ok ? '' : result.error.length).toBeLessThan(200);
  });
});

describe('descriptors', () => {
  const refusal = (set: Buffer): string | null => {
    const result = readDescriptorSet(set);
    return result.ok ? null : result.error;
  };

  test.each<[string, Buffer, string]>([
    ['no bytes', Buffer.alloc(0), 'it holds no file: it is no FileDescriptorSet'],
    ['text', Buffer.from('syntax = "proto3";'), 'a field has an unknown wire type'],
    [
      'an import that is missing',
      setOf(fileOf([], [3, 'a.proto'])),
      't.proto: it imports a.proto, which the set does not hold (protoc: --include_imports)',
    ],
    ['an unknown syntax', setOf(rawMessage([1, 'a.proto'], [12, 'proto9'])), 'a.proto: its syntax "proto9" with edition 0 is not known'],
    ['two types of a name', setOf(fileOf([NODE, NODE])), 't.proto: it has two types t.Node'],
    ['a name with a dot', setOf(fileOf([messageOf('A.B', [])])), 't.proto: the name "A.B" is invalid'],
    ['a type that is missing', setOf(fileOf([messageOf('A', [fieldOf('b', 1, '.t.B')])])), 't.A.b: the type ".t.B" is not in the set'],
    [
      'a number twice',
      setOf(fileOf([messageOf('A', [fieldOf('a', 1, 'bool'), fieldOf('b', 1, 'bool')])])),
      't.A has two fields with the number 1',
    ],
    ['a name twice', setOf(fileOf([messageOf('A', [fieldOf('a', 1, 'bool'), fieldOf('a', 2, 'bool')])])), 't.A has two fields a'],
    ['the number 0', setOf(fileOf([messageOf('A', [fieldOf('a', 0, 'bool')])])), 't.A.a has the invalid number 0'],
    ['a number below 0', setOf(fileOf([messageOf('A', [fieldOf('a', -1, 'bool')])])), 't.A.a has the invalid number -1'],
    ['an unknown type', setOf(fileOf([messageOf('A', [rawMessage([1, 'a'], [3, 1], [5, 99])])])), 't.A.a has an unknown type'],
    [
      'a oneof that is missing',
      setOf(fileOf([messageOf('A', [fieldOf('a', 1, 'bool', [9, 3])])])),
      't.A.a is in a oneof that does not exist',
    ],
    [
      'an entry that is its own value',
      setOf(
        fileOf([
          messageOf('E', [fieldOf('key', 1, 'string'), fieldOf('value', 2, '.t.E', REPEATED)], [7, rawMessage([7, 1])]),
          messageOf('A', [fieldOf('a', 1, '.t.E', REPEATED)]),
        ]),
      ),
      't.E is no entry of a map',
    ],
    [
      'a type of google.protobuf with other fields',
      setOf(rawMessage([1, 'a'], [2, 'google.protobuf'], [4, messageOf('Timestamp', [fieldOf('seconds', 1, 'string')])])),
      'google.protobuf.Timestamp has not the fields of that type',
    ],
    [
      'messages that are nested too deeply',
      setOf(fileOf([nested(500, 3, messageOf('A', []), [1, 'A'])])),
      't.proto: its messages are nested too deeply',
    ],
    [
      'a method without its type',
      setOf(fileOf([], [6, rawMessage([1, 'S'], [2, rawMessage([1, 'M'], [2, '.t.A'], [3, '.t.A'])])])),
      't.proto: the type ".t.A" is not in the set',
    ],
  ])('%s', (_, set, error) => {
    expect(refusal(set)).toBe(error);
  });

  test('random changes of a set are read or refused, and never break', () => {
    const set = setOf(fileOf([NODE]), ANY);
    for (let i = 0; i < 1_500; i++) {
      const changed = Buffer.from(set);
      changed[(i * 7_919) % changed.length] = (i * 31) % 256;
      const result = readDescriptorSet(changed.subarray(0, changed.length - (i % 3)));
      if (result.ok) for (const type of result.value.messages.values()) decodeMessage(type, changed);
    }
  });
});
