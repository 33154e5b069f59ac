// Weir's HPACK and Go's HPACK decode each other's output, for any header lists and table sizes.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HpackDecoder } from '../../proxy/codec/hpack/decoder.ts';
import { HpackEncoder } from '../../proxy/codec/hpack/encoder.ts';
import { isNeverIndexed } from '../../proxy/codec/hpack/never-indexed.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { GO_HPACK, GoHpack } from './go-hpack.ts';
import type { DecodeStep, EncodeStep, Field } from './go-hpack.ts';
import { sequences } from './lists.ts';

const OCTETS = { lowest: 0, highest: 0xff };
const TABLE_SIZES = [0, 100, 4_096, 20_000];

describeWith(['go'], "Go's HPACK", () => {
  let go: GoHpack;
  beforeAll(() => {
    buildGoTool(GO_HPACK);
    go = new GoHpack();
  }, 120_000);
  afterAll(() => go.close());

  test.each(TABLE_SIZES)('is read by our decoder, announced a table of %i octets', async (limit) => {
    await fc.assert(
      fc.asyncProperty(sequences(OCTETS, limit), async (steps) => {
        const decoder = new HpackDecoder({ tableSize: limit, maxListSize: 1e7, maxHeaders: 1e4 });
        const blocks = await go.encode(limit, steps);
        const read = blocks.map((block) => readBlock(decoder, block));
        expect(read).toEqual(lists(steps).map(({ fields }) => ({ fields: pairs(fields), secrets: marked(fields) })));
      }),
      { numRuns: 150 },
    );
  });

  test.each(TABLE_SIZES)('reads our encoder, willing to keep %i octets', async (limit) => {
    await fc.assert(
      fc.asyncProperty(sequences(OCTETS, 30_000), async (steps) => {
        const encoder = new HpackEncoder(limit);
        const read = await go.decode(
          4_096,
          steps.map((step) => encodeStep(encoder, step)),
        );
        expect(read).toEqual(lists(steps).map(({ fields }) => fields.map(asWritten)));
      }),
      { numRuns: 150 },
    );
  });
});

function readBlock(decoder: HpackDecoder, block: Buffer): { fields: string[]; secrets: string[] } {
  const fields: string[] = [];
  expect(decoder.decode(block, 0, block.length, fields)).toBe('ok');
  return { fields, secrets: [...(decoder.secrets ?? [])].sort() };
}

function encodeStep(encoder: HpackEncoder, step: EncodeStep): DecodeStep {
  if ('size' in step) {
    encoder.setTableSize(step.size);
    return step;
  }
  encoder.begin(0);
  for (const { name, value, secret } of step.fields) {
    if (secret) encoder.writeSecret(name, value);
    else encoder.write(name, value);
  }
  return { block: Buffer.from(encoder.finish()) };
}

function lists(steps: readonly EncodeStep[]): { readonly fields: readonly Field[] }[] {
  return steps.flatMap((step) => ('size' in step ? [] : [step]));
}

function pairs(fields: readonly Field[]): string[] {
  return fields.flatMap(({ name, value }) => [name, value]);
}

/** Fields marked never-indexed that are not sensitive by name. */
function marked(fields: readonly Field[]): string[] {
  return [...new Set(fields.filter(({ name, secret }) => secret && !isNeverIndexed(name)).map(({ name }) => name))].sort();
}

/** Sensitive fields must be marked unless the static table has them completely. */
function asWritten(field: Field): Field {
  return { ...field, secret: field.secret || (isNeverIndexed(field.name) && field.value !== '') };
}
