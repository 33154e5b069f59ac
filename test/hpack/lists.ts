// Header lists and table size changes that reveal differences between HPACK codecs: names and values that repeat, evict others from the
// table, do not fit into it, or must never be in it.
import fc from 'fast-check';
import type { EncodeStep, Field } from './go-hpack.ts';

const NAMES = [
  'accept',
  'content-type',
  'x-a',
  'x-b',
  'user-agent',
  'cache-control',
  'authorization',
  'set-cookie',
  'etag',
  'x-long-name-of-no-use',
];
const VALUES = ['', 'a', 'text/html', 'gzip, deflate', 'no-cache', 'x'.repeat(60), 'y'.repeat(300), 'z'.repeat(5_000)];

export interface Alphabet {
  /** Octets of generated values. */
  readonly lowest: number;
  readonly highest: number;
}

function field({ lowest, highest }: Alphabet): fc.Arbitrary<Field> {
  const text = fc.string({ unit: fc.integer({ min: lowest, max: highest }).map((code) => String.fromCharCode(code)), maxLength: 80 });
  return fc.record({
    name: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES) }, fc.stringMatching(/^x-[a-z0-9]{1,12}$/)),
    value: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...VALUES) }, text),
    secret: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  });
}

/** Sequences of lists, with size changes in between. */
export function sequences(alphabet: Alphabet, largest: number): fc.Arbitrary<EncodeStep[]> {
  const size = fc.record({ size: fc.oneof(fc.constantFrom(0, 33, 64, 200, largest), fc.integer({ min: 0, max: largest })) });
  const fields = fc.record({ fields: fc.array(field(alphabet), { maxLength: 14 }) });
  return fc.array(fc.oneof({ weight: 5, arbitrary: fields }, { weight: 1, arbitrary: size }), { minLength: 1, maxLength: 25 });
}
