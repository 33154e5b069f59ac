// The scanner of JSON against JSON.parse: any bytes, any chunks.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JsonScanner, type JsonLimits, type JsonProblem } from './json-scanner.ts';
import { MAX_OPEN_NAMES } from './member-names.ts';

const NONE: JsonLimits = {
  ...{ depth: Infinity, members: Infinity, elements: Infinity, stringBytes: Infinity, numberLength: Infinity },
  uniqueNames: false,
};

function scan(bytes: Uint8Array, limits: Partial<JsonLimits> = {}, cuts: readonly number[] = []): JsonProblem | null {
  const scanner = new JsonScanner({ ...NONE, ...limits });
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...ends, bytes.length]) {
    const problem = scanner.write(bytes.subarray(from, to));
    if (problem !== null) return problem;
    from = to;
  }
  return scanner.end();
}

const scanText = (text: string, limits: Partial<JsonLimits> = {}) => scan(Buffer.from(text), limits);

function parses(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const CUTS = fc.array(fc.nat(1_000), { maxLength: 8 });
const TEXT = fc.oneof(
  fc.json({ maxDepth: 6, stringUnit: 'binary' }),
  fc.jsonValue({ stringUnit: 'grapheme' }).map((value) => JSON.stringify(value, null, 2)),
);
/** Pieces of which most sequences are almost JSON. */
const PIECE = fc.constantFrom(
  ...['{', '}', '[', ']', ',', ':', '"', '\\', '\\u', '00e9', 'd83d', '\\"', '"a"', '"é"', '"😀"', '1', '0', '-', '.', 'e', 'E', '+'],
  ...['true', 'false', 'null', 'tru', ' ', '\t', '\n', '\r', '\u0000', '\u007f', '\ufeff', '\u00a0', '/', '{"a":1}', '[1]', '1.5e-3'],
);

describe('the scanner agrees with JSON.parse', () => {
  test('about JSON in any chunks', () => {
    fc.assert(
      fc.property(TEXT, CUTS, (text, cuts) => expect(scan(Buffer.from(text), {}, cuts)).toBeNull()),
      { numRuns: 500 },
    );
  });

  test('about JSON with one other byte', () => {
    const changed = fc.tuple(TEXT, fc.nat(), fc.nat(255), CUTS);
    fc.assert(
      fc.property(changed, ([text, at, byte, cuts]) => {
        const bytes = Buffer.from(text);
        bytes[at % bytes.length] = byte;
        expect(scan(bytes, {}, cuts) === null).toBe(parses(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  test('about the beginnings of JSON', () => {
    fc.assert(
      fc.property(TEXT, fc.nat(), CUTS, (text, length, cuts) => {
        const bytes = Buffer.from(text).subarray(0, length % (text.length + 1));
        expect(scan(bytes, {}, cuts) === null).toBe(parses(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('about sequences of pieces', () => {
    fc.assert(
      fc.property(fc.array(PIECE, { maxLength: 12 }), CUTS, (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''));
        expect(scan(bytes, {}, cuts) === null).toBe(parses(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test('about every sequence of three bytes in a string', () => {
    for (let lead = 0; lead < 256; lead++)
      for (const second of [0x00, 0x20, 0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff])
        for (const rest of [[], [0x80], [0xbf, 0x80], [0x22]]) {
          const bytes = Buffer.from([0x22, lead, second, ...rest, 0x22]);
          expect([bytes.toString('hex'), scan(bytes) === null]).toEqual([bytes.toString('hex'), parses(bytes)]);
        }
  });
});

describe('limits', () => {
  test.each<[string, string, Partial<JsonLimits>, string]>([
    ['depth of arrays', '[[1]]', { depth: 2 }, '[[[1]]]'],
    ['depth of objects', '{"a":[1]}', { depth: 2 }, '{"a":{"b":{}}}'],
    ['members', '{"a":1,"b":{"c":1,"d":2}}', { members: 2 }, '{"a":1,"b":2,"c":3}'],
    ['elements', '[1,[2,3]]', { elements: 2 }, '[1,2,3]'],
    ['bytes of strings', '["abc","é"]', { stringBytes: 3 }, '["éé"]'],
    ['bytes of names', '{"abc":"abc"}', { stringBytes: 3 }, '{"abcd":1}'],
    ['bytes of strings with escapes', '["\\n"]', { stringBytes: 3 }, '["\\u0061"]'],
    ['length of numbers', '[-1.5, 100 ]', { numberLength: 4 }, '[-1.55]'],
  ])('%s', (_, allowed, limits, refused) => {
    expect(scanText(allowed, limits)).toBeNull();
    expect(scanText(refused, limits)).toMatch(/too/);
  });

  test('a bomb of brackets costs no memory beyond the limit, and ends at once', () => {
    const scanner = new JsonScanner({ ...NONE, depth: 64 });
    expect(scanner.write(Buffer.alloc(64, '['))).toBeNull();
    expect(scanner.write(Buffer.alloc(10_000_000, '['))).toBe('nested too deeply');
  });

  test('a string or number over the limit is refused before it ends', () => {
    expect(new JsonScanner({ ...NONE, stringBytes: 8 }).write(Buffer.from('{"123456789'))).toBe('a string is too long');
    expect(new JsonScanner({ ...NONE, numberLength: 8 }).write(Buffer.from('[123456789'))).toBe('a number is too long');
  });
});

describe('names', () => {
  const unique = { uniqueNames: true };
  test.each([
    ['the same', '{"role":1,"role":2}'],
    ['by an escape', '{"role":1,"r\\u006fle":2}'],
    ['by an escape of several units', '{"😀":1,"\\ud83d\\uDE00":2}'],
    ['by a short escape', '{"\\n\\/":1,"\\u000a/":2}'],
    ['by an escape of a letter beyond ASCII', '{"é€":1,"\\u00e9\\u20AC":2}'],
    ['empty', '{"":1,"":2}'],
    ['after an object in between', '{"a":{"b":1},"b":2,"a":3}'],
    ['__proto__', '{"__proto__":1,"__proto__":2}'],
  ])('that come twice are found: %s', (_, text) => {
    expect(scanText(text, unique)).toBe('a name twice in one object');
    expect(scanText(text)).toBeNull();
  });

  test('of different objects may be the same', () => {
    expect(scanText('[{"a":1},{"a":{"a":[{"a":1}]},"b":"a"}]', unique)).toBeNull();
  });

  test('are found in any chunks, and no others', () => {
    const names = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 6 }), { maxLength: 20 });
    fc.assert(
      fc.property(names, fc.nat(), CUTS, (all, which, cuts) => {
        const members = all.map((name) => `${JSON.stringify(name)}:1`);
        expect(scan(Buffer.from(`{${members.join()}}`), unique, cuts)).toBeNull();
        if (members.length === 0) return;
        const twice = [...members, members[which % members.length]];
        expect(scan(Buffer.from(`{${twice.join()}}`), unique, cuts)).toBe('a name twice in one object');
      }),
      { numRuns: 500 },
    );
  });

  test('of open objects are bounded together', () => {
    const object = (count: number) => `{${Array.from({ length: count }, (_, i) => `"n${i}":1`).join()}}`;
    expect(scanText(`[${object(9_000)},${object(9_000)}]`, unique)).toBeNull();
    expect(scanText(object(MAX_OPEN_NAMES), unique)).toBeNull();
    expect(scanText(object(MAX_OPEN_NAMES + 1), unique)).toBe('too many names of open objects');
  });
});
