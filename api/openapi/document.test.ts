// OpenAPI documents: what can be read, and the faults of what cannot.
import { describe, expect, test } from '@jest/globals';
import { checkDocument, describeFault, readDocument } from './document.ts';

function faultsOf(text: string): readonly string[] {
  return checkDocument(text).map((fault) => describeFault(text, fault));
}

function withSchema(schema: string, version = '3.1.0'): string {
  return `openapi: ${version}
info: {title: t, version: "1"}
paths:
  /a:
    post:
      requestBody: {content: {application/json: {schema: ${schema}}}}
      responses: {"200": {description: ok}}
`;
}

describe('a document', () => {
  test('of version 3.0 and 3.1 can be read, also as JSON', () => {
    for (const version of ['3.0.3', '3.1.1']) {
      expect(faultsOf(withSchema('{type: object}', version))).toEqual([]);
      expect(readDocument(JSON.stringify({ openapi: version, paths: { '/a': { get: {} } } })).ok).toBe(true);
    }
  });

  test.each([
    ['that is no YAML', 'a: [', /^the document is not YAML: /],
    ['with a key twice', 'a: 1\na: 2', /^the document is not YAML: Map keys must be unique/],
    ['that is a list', '[]', /^the document must be an object with openapi and paths$/],
    ['of Swagger', 'swagger: "2.0"', /^line 1 \(\/swagger\) is Swagger 2\.0; convert the document to OpenAPI 3\.1$/],
    ['of another version', 'openapi: 4.0.0', /^line 1 \(\/openapi\) must be 3\.0 or 3\.1$/],
    ['without paths', 'openapi: 3.1.0', /^line 1 \(\/paths\) must be an object$/],
    [
      'with aliases that grow',
      `a: &a [x, x]\n${'bcdefghijklm'
        .split('')
        .map((n, i) => `${n}: &${n} [*${'abcdefghijkl'.charAt(i)}, *${'abcdefghijkl'.charAt(i)}]`)
        .join('\n')}`,
      /^the document is not usable YAML: Excessive alias count/,
    ],
    ['that is nested deeply', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, /nested more than 100 times|not YAML/],
    ['that is too large', `openapi: 3.1.0\npaths: {}\nx: ${'y'.repeat(1_048_576)}`, /^the document is larger than 1048576 bytes/],
    [
      'with a missing reference',
      withSchema('{$ref: "#/components/schemas/B"}'),
      /^line 6 \(.*\/schema\/\$ref\) refers to #\/components\/schemas\/B, which does not exist$/,
    ],
    ['with a foreign reference', withSchema('{$ref: "http://a/b"}'), /refers to another document; bundle all documents into one$/],
    [
      'with a pattern that is not RE2',
      withSchema('{type: string, pattern: "(a)\\\\1"}'),
      /\/pattern\) is not RE2: .*write it without lookaround and back references$/,
    ],
    ['with an own name of a schema', withSchema('{$id: "http://a"}'), /\/\$id\) is not supported/],
    ['with a keyword of another type', withSchema('{type: string, minLength: a}'), /\/minLength\) must be integer$/],
    [
      'with a bound of the older version',
      withSchema('{type: number, minimum: 1, exclusiveMinimum: true}'),
      /\/exclusiveMinimum\) must be number$/,
    ],
  ])('%s has a fault', (_, text, fault) => {
    expect(faultsOf(text)[0]).toMatch(fault);
  });

  test('names the line of each fault', () => {
    const text =
      'openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n        - {name: q, in: body}\n        - {in: query}\n  b: {}\n';
    expect(faultsOf(text)).toEqual([
      'line 6 (/paths/~1a/get/parameters/0/in) must be path, query, header or cookie',
      'line 7 (/paths/~1a/get/parameters/1/name) must be a text',
      'line 8 (/paths/b) must begin with /',
    ]);
  });

  test('has its paths below those of its servers', () => {
    const servers = '[{url: "https://a.example/{v}/", variables: {v: {enum: [v1, v2], default: v1}}}, {url: /x}]';
    const read = readDocument(`openapi: 3.1.0\nservers: ${servers}\npaths: {"/a/{id}": {get: {}}, /a/me: {get: {}}}`);
    if (!read.ok) throw new Error('a fault');
    const found = (path: string): string | undefined => [...(read.value.find(path)?.value.values() ?? [])][0]?.template;
    expect(['/v1/a/1', '/v2/a/me', '/x/a/me', '/a/1', '/v1/a/1/2', '/v1/a/'].map(found)).toEqual([
      '/a/{id}',
      '/a/me',
      '/a/me',
      undefined,
      undefined,
      undefined,
    ]);
    expect(read.value.find('/v1/a/1%2f')?.variables).toEqual(new Map([['id', '1%2f']]));
  });

  test('has two paths for the same requests: that is a fault', () => {
    expect(faultsOf('openapi: 3.1.0\npaths: {"/a/{b}": {get: {}}, "/a/{c}": {get: {}}}')).toEqual([
      'line 2 (/paths/~1a~1{c}) matches the same paths as another one',
    ]);
  });
});
