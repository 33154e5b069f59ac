// Real-world files. Files that kubectl accepts have the same meaning here (compared with kubectl 1.36 and
// `kubectl label --local -f FILE a=b -o json`); a mistake is reported with its line.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { objectId, refOf } from '#api/k8s/object.ts';
import { readOnce } from './folder.ts';
import type { FolderContent } from './folder.ts';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'weir-documents-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(content: string | Buffer, name = 'a.yaml'): Promise<FolderContent> {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return readOnce([file]);
}

/** Names with lines, and problems as `line field: reason`. */
async function told(content: string | Buffer, name?: string): Promise<string[]> {
  const { objects, places, problems } = await read(content, name);
  const named = objects.filter(({ kind }) => kind !== 'Namespace').map((object) => objectId(refOf(object)));
  return [
    ...named.map((id) => `${id.slice(id.lastIndexOf('/') + 1)}:${places.get(id)?.line}`),
    ...problems.map(({ line, field, reason }) => `${line} ${field}: ${reason}`),
  ];
}

const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const route = (name: string, spec = '{}'): string =>
  `apiVersion: ${GATEWAY_API}\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const json = (name: string): string => JSON.stringify({ apiVersion: GATEWAY_API, kind: 'HTTPRoute', metadata: { name }, spec: {} });
const BOM = '\ufeff';
const utf16 = (text: string): Buffer => Buffer.from(BOM + text, 'utf16le');

describe('bytes', () => {
  const two = `${route('a')}---\n${route('b')}`;
  test.each<[string, string | Buffer]>([
    ['CRLF', two.replaceAll('\n', '\r\n')],
    ['a byte order mark at the beginning', BOM + two],
    ['one before a later document', two.replace('---\n', `---\n${BOM}`)],
    ['one before a separator', two.replace('---\n', `${BOM}---\n`)],
    ['UTF-16, little end first', utf16(two)],
    ['UTF-16, big end first', utf16(two).swap16()],
    ['UTF-16 with CRLF, as PowerShell writes it', utf16(two.replaceAll('\n', '\r\n'))],
  ])('%s', async (_, content) => {
    expect(await told(content)).toEqual(['a:1', 'b:6']);
  });

  test('half a character at the end of UTF-16 is ignored', async () => {
    expect((await read(Buffer.concat([utf16(route('a')).swap16(), Buffer.from([0])]))).objects).not.toEqual([]);
  });

  test('tabs as indentation are reported with their line', async () => {
    expect(await told(`${route('a')}---\n${route('b', '\n\trules: []')}`)).toEqual([
      'a:1',
      '10 : a tab indents the line; YAML wants spaces',
    ]);
  });
});

describe('documents', () => {
  test.each<[string, string, readonly string[]]>([
    ['nothing', '', []],
    ['comments alone', '# a\n# b\n', []],
    ['empty ones between others', `---\n---\n# x\n---\n${route('a')}---\n# end\n`, ['a:5']],
    ['separators with blanks and comments', `--- # Source: x\n${route('a')}---  \n${route('b')}`, ['a:2', 'b:7']],
    ['ends', `${route('a')}...\n---\n${route('b')}...\n`, ['a:1', 'b:7']],
    ['YAML and JSON', `${route('a')}---\n${json('b')}\n`, ['a:1', 'b:6']],
  ])('%s', async (_, content, expected) => expect(await told(content)).toEqual(expected));

  test('a sequence of JSON objects, on separate lines or not, with tabs; mistakes have their lines', async () => {
    const wrong = json('c').replace('"spec":{}', '\n"spec":\n{"rules":\n"}{\\"{"}');
    expect(await told(`${json('a')}\n${json('b')}${wrong}\n`, 'a.json')).toEqual(['a:1', 'b:2', '5 spec.rules: must be an array']);
    const pretty = JSON.stringify(JSON.parse(json('d')), null, '\t');
    expect(await told(`${BOM}${pretty}\n\n${pretty.replace('"d"', '"e"')}`, 'a.json')).toEqual(['d:1', 'e:10']);
  });

  test('an object without its closing brace is reported', async () => {
    expect((await read(`${json('a')}\n{"kind":`, 'a.json')).problems).toHaveLength(1);
  });
});

describe('merge keys', () => {
  const merging = (rule: string): string =>
    `${route('a', `\n  parentRefs: &parents [{ name: gw }]\n  rules:\n    - &first\n      name: one\n      timeouts: &times { request: 5s }\n    - ${rule}`)}`;

  test('a merge key adds missing fields, at any position, also from several maps', async () => {
    const { objects, problems } = await read(
      merging('{ name: two, <<: *first, timeouts: { <<: [*times, { backendRequest: 2s, request: 9s }] } }'),
    );
    expect(problems).toEqual([]);
    expect(objects[0]).toMatchObject({
      spec: { rules: [{ name: 'one' }, { name: 'two', timeouts: { request: '5s', backendRequest: '2s' } }] },
    });
  });

  test('a mistake in a merged field is reported with the line of the anchor', async () => {
    const wrong = merging('{ <<: *first, name: two }').replace('5s', 'soon');
    const form = 'must be a duration like 10s, 1h30m or 100ms';
    expect(await told(wrong)).toEqual([`9 spec.rules[0].timeouts.request: ${form}`, `9 spec.rules[1].timeouts.request: ${form}`]);
  });

  test('only maps can be merged, and a quoted key is a field', async () => {
    expect(await told(merging('{ <<: 3 }'))).toEqual(['1 : Merge sources must be maps or map aliases']);
    expect(await told(merging('{ "<<": *times, name: two }'))).toEqual(['10 spec.rules[1].<<: is not a known field']);
  });

  test('nested aliases cannot exhaust the memory', async () => {
    const bomb = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} { x: [*a${i}, *a${i}], <<: *a${i} }`).join('\n');
    expect((await told(`a0: &a0 { y: 1 }\n${bomb}\n`))[0]).toMatch(/Excessive alias count|apiVersion/);
  });
});

describe('lists', () => {
  const list = (items: string, kind = 'HTTPRouteList', apiVersion = GATEWAY_API): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nitems:${items}\n`;
  const bare = '\n- metadata: { name: a }\n  spec: {}\n- metadata: { name: b }\n  spec: { x: 1 }';

  test.each<[string, string, readonly string[]]>([
    ['items without kind are of the kind of the list', list(bare), ['a:4', '7 spec.x: is not a known field']],
    [
      'items of List need a kind of their own',
      list('\n- metadata: { name: a }', 'List', 'v1'),
      ['4 apiVersion: is required', '4 kind: is required'],
    ],
    ['an item with a kind needs an apiVersion too', list('\n- metadata: { name: a }\n  kind: HTTPRoute'), ['4 apiVersion: is required']],
    [
      'a list without apiVersion gives its items none',
      list('\n- metadata: { name: a }').replace(/^.*\n/, ''),
      ['3 apiVersion: is required', '3 kind: is required'],
    ],
    ['null items are an empty list', list(' null') + '---\n' + route('a'), ['a:5']],
    ['and so are missing items', list(''), []],
    ['and an empty list', list(' []', 'List', 'v1'), []],
    ['items that are not a list', list(' 3'), ['3 items: must be a list']],
    ['an item that is null', list('\n- null', 'List', 'v1'), ['4 : must be an object']],
    [
      'an alias',
      `apiVersion: v1\nkind: List\nitems:\n- &a\n  ${route('a').replaceAll('\n', '\n  ')}\n- *a\n`,
      ['a:5', expect.stringContaining('10 metadata.name: is already defined') as unknown as string],
    ],
  ])('%s', async (_, content, expected) => expect(await told(content)).toEqual(expected));
});

describe('bare words', () => {
  const cors = (fields: string): string =>
    route('a', `{ rules: [{ filters: [{ type: CORS, cors: { allowOrigins: ["*"], ${fields} } }] }] }`);

  test('have their YAML 1.1 value where the schema allows no text', async () => {
    const { objects, problems } = await read(cors('allowCredentials: Yes, maxAge: 1_000'));
    expect(problems).toEqual([]);
    expect(JSON.stringify(objects[0])).toContain('"allowCredentials":true,"maxAge":1000');
    expect(JSON.stringify((await read(cors('allowCredentials: off'))).objects[0])).toContain('"allowCredentials":false');
  });

  test('are text where the schema allows text', async () => {
    const { objects } = await read(route('a', '{ rules: [{ matches: [{ headers: [{ name: yes, value: on }] }] }] }'));
    expect(JSON.stringify(objects[0])).toContain('"name":"yes","value":"on"');
  });

  test('are text if quoted', async () => {
    expect(await told(cors('allowCredentials: "yes"'))).toEqual(['4 spec.rules[0].filters[0].cors.allowCredentials: must be a boolean']);
  });
});
