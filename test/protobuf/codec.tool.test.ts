// The codec of lib/protobuf beside Go's: random messages of all kinds of fields in both directions, and what each of both refuses.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import path from 'node:path';
import { decodeMessage } from '#lib/protobuf/decode.ts';
import { readDescriptorSet } from '#lib/protobuf/descriptor-set.ts';
import { encodeMessage } from '#lib/protobuf/encode.ts';
import { messageOfJson } from '#lib/protobuf/json-reader.ts';
import { jsonOfMessage } from '#lib/protobuf/json-writer.ts';
import type { Message } from '#lib/protobuf/message.ts';
import type { MessageType, Schema } from '#lib/protobuf/types.ts';
import type { Result } from '#lib/result.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { JSON_CASES, WIRE_CASES } from './cases.ts';
import { describeFiles, GoCodec, PROTOBUF_PEER } from './protobuf-peer.ts';

const PROTOS = path.join(import.meta.dirname, 'protos');
const FILES = ['three.proto', 'two.proto', 'edition.proto'];
const TYPES = [
  'three.Scalars',
  'three.Optionals',
  'three.Lists',
  'three.Maps',
  'three.Choice',
  'three.WellKnown',
  'three.Names',
  'two.All',
  'edition.All',
];
const MESSAGES_PER_TYPE = 150;

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

describeWith(['go'], 'protobuf beside Go', () => {
  let schema: Schema;
  let go: GoCodec;

  beforeAll(() => {
    buildGoTool(PROTOBUF_PEER);
    schema = must(readDescriptorSet(describeFiles(PROTOS, FILES)));
    go = new GoCodec(PROTOS, FILES);
  }, 240_000);
  afterAll(() => go.close());

  const typeOf = (name: string): MessageType => schema.messages.get(name)!;
  const toJson = (message: Message, others: object = {}): Result<string> =>
    jsonOfMessage(message, { schema, printDefaults: false, originalNames: false, enumsAsNumbers: false, ...others });
  const fromJson = (type: string, text: string): Result<Message> => messageOfJson(typeOf(type), text, { schema, ignoreUnknown: false });

  test.each(TYPES)('random messages of %s', async (name) => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    for (const [index, { wire, json }] of (await go.make(name, seed, MESSAGES_PER_TYPE)).entries()) {
      const message = must(decodeMessage(typeOf(name), wire));
      const written = must(toJson(message, { printDefaults: index % 3 === 0, originalNames: index % 5 === 0 && name !== 'two.All' }));
      const where = `seed ${seed}, message ${index}, ${json}`;
      expect([where, await go.difference(name, wire, encodeMessage(message), written)]).toEqual([where, null]);
      const parsed = fromJson(name, json);
      expect([where, parsed]).toEqual([where, expect.objectContaining({ ok: true })]);
      const read = must(parsed);
      expect([where, await go.difference(name, wire, encodeMessage(read), json)]).toEqual([where, null]);
    }
  });

  test.each(JSON_CASES)('%s of the JSON %s', async (name, json) => {
    const ours = fromJson(name, json);
    const theirs = await go.wireOf(name, json);
    expect([json, ours]).toEqual([json, expect.objectContaining({ ok: theirs !== null })]);
    if (ours.ok && theirs !== null)
      expect(await go.difference(name, theirs, encodeMessage(ours.value), must(toJson(ours.value)))).toBeNull();
  });

  test.each(WIRE_CASES)('%s of the bytes %s', async (name, hex) => {
    const wire = Buffer.from(hex, 'hex');
    const ours = decodeMessage(typeOf(name), wire);
    const theirs = await go.jsonOf(name, wire);
    expect(ours.ok).toBe(theirs !== null);
    if (ours.ok) expect(await go.difference(name, wire, encodeMessage(ours.value), must(toJson(ours.value)))).toBeNull();
  });

  test('random changes of bytes are read or refused, and never break', async () => {
    const [{ wire } = { wire: Buffer.alloc(0) }] = (await go.make('three.WellKnown', 7, 40)).sort((a, b) => b.wire.length - a.wire.length);
    for (let i = 0; i < 2_000; i++) {
      const changed = Buffer.from(wire);
      changed[(i * 7_919) % changed.length] = (i * 31) % 256;
      const ours = decodeMessage(typeOf('three.WellKnown'), changed.subarray(0, changed.length - (i % 3)));
      if (ours.ok) toJson(ours.value);
    }
  });
});
