// An attribute has the same bytes whether it is known or not.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WIRE } from '../protobuf/wire-reader.ts';
import { WireWriter } from '../protobuf/wire-writer.ts';
import { anyValue, attributes, text } from './encode.ts';
import { knownAttribute } from './known-attributes.ts';
import type { Value } from './records.ts';

const FIELD = 9;

/** KeyValue by its definition. */
function reference(name: string, value: Value): Buffer {
  const writer = new WireWriter();
  anyValue(writer, 2, value);
  text(writer, 1, name);
  writer.uint32(writer.length);
  writer.tag(FIELD, WIRE.bytes);
  return Buffer.from(writer.finish());
}

function encoded(name: string, value: Value): Buffer {
  const writer = new WireWriter();
  attributes(writer, FIELD, [name, value]);
  return Buffer.from(writer.finish());
}

test('attributes in any order and repetition are those of the definition', () => {
  const values = fc.constantFrom<Value>('a', 'b', 'é', '', 'x'.repeat(300), 0, -0, 1, 200, 1.5, NaN, 2 ** 40, true, null, ['a'], {
    a: 'b',
  });
  const sequence = fc.array(fc.tuple(fc.constantFrom('http.route', 'weir.listener'), values), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(sequence, (each) => {
      for (const [name, value] of each) expect(encoded(name, value)).toEqual(reference(name, value));
    }),
  );
});

test('a value is known once it came twice in a row, and until another one comes', () => {
  const states = ['one', 'one', 'one', 'other', 'one'].map((value) => {
    encoded('known.test', value);
    return knownAttribute('known.test')?.encoded(value) !== null;
  });
  expect(states).toEqual([false, true, true, false, false]);
});

test('of too many names the rest is encoded each time', () => {
  for (let i = 0; i < 1_100; i++) expect(encoded(`many.${i}`, 'a')).toEqual(reference(`many.${i}`, 'a'));
  expect(knownAttribute('many.1099')).toBeNull();
});
