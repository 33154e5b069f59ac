import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from './exact-json.ts';
import { readXml, writeXml } from './xml.ts';

const read = (text: string, maxDepth = 8): unknown => readXml(Buffer.from(text), maxDepth)?.value ?? null;
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

describe('XML is read', () => {
  test.each<[string, unknown]>([
    ['<a/>', { a: '' }],
    ['<a>x &amp; &#233;<![CDATA[<y>]]></a>', { a: 'x & é<y>' }],
    [
      '<?xml version="1.0" encoding="utf-8"?><a b="1"><c>1</c><c>2</c><d x="y">z</d></a>',
      { a: { '@b': '1', c: ['1', '2'], d: { '@x': 'y', '#text': 'z' } } },
    ],
    ['<s:Envelope xmlns:s="u"> <s:Body/> </s:Envelope>', { 's:Envelope': { '@xmlns:s': 'u', 's:Body': '' } }],
    ['<!-- c --><a><?p i?></a>', { a: '' }],
    ['<__proto__><constructor>1</constructor></__proto__>', JSON.parse('{"__proto__":{"constructor":"1"}}')],
  ])('%s', (text, expected) => {
    expect(read(text)).toEqual(expected);
    expect(({} as { constructor: unknown }).constructor).toBe(Object);
  });
});

describe('XML is refused', () => {
  const laughs = `<!DOCTYPE a [<!ENTITY a0 "ha">${Array.from({ length: 9 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join('')}]><a>&a9;</a>`;
  test.each([
    ['with a billion laughs', laughs],
    ['with an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ['with a DTD alone', '<!DOCTYPE a><a/>'],
    ['with an unknown entity', '<a>&x;</a>'],
    ['that is deeper', `${'<a>'.repeat(9)}${'</a>'.repeat(9)}`],
    ['that is much deeper', '<a>'.repeat(100_000)],
    ['that is cut off', '<a><b></b>'],
    ['with crossed tags', '<a><b></a></b>'],
    ['with an attribute twice', '<a b="1" b="2"/>'],
    ['with two roots', '<a/><b/>'],
    ['with text beside elements', '<p>one <b>two</b></p>'],
    ['with another encoding', '<?xml version="1.0" encoding="utf-16"?><a/>'],
    ['with a control character', '<a>\u0001</a>'],
    ['that is none', '{"a":1}'],
    ['that is empty', ''],
  ])('%s', (_, text) => {
    expect(read(text)).toBeNull();
  });

  test('with bytes that are no UTF-8', () => {
    expect(readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]), 8)).toBeNull();
  });
});

describe('XML is written', () => {
  test.each<[Json, string]>([
    [{ a: { '@b': 1, c: [1, true, null], '#text': 'x' } }, '<a b="1"><c>1</c><c>true</c><c/>x</a>'],
    [{ a: 1, b: 2 }, '<root><a>1</a><b>2</b></root>'],
    [[1, [2, 3]], '<root><item>1</item><item><item>2</item><item>3</item></item></root>'],
    ['x', '<root>x</root>'],
    [{ 'a b': '<&>"', '@c': '"' }, '<root c="&quot;"><a_b>&lt;&amp;&gt;&quot;</a_b></root>'],
    [{ '<x>': { '@y z="': 'v' } }, '<_x_ y_z__="v"/>'],
    [{ '1': 'a\u0000\ud800\n' }, '<_1>a\ufffd\ufffd&#10;</_1>'],
  ])('%j', (value, expected) => {
    expect(writeXml(value)).toBe(HEAD + expected);
  });

  test('so that any value can be read again, and nothing in it becomes an element', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.array(fc.string()))), (value) => {
        const text = writeXml({ doc: { field: Object.values(value) as Json, names: Object.keys(value) } });
        const doc = (read(text) as { doc: { field?: unknown; names?: unknown } } | null)?.doc;
        expect(doc).toBeDefined();
        expect(readXml(Buffer.from(writeXml(value as Json)), 64)).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });
});
