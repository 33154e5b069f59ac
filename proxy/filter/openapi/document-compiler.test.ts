// Documents that are read and compiled in a thread.
import { afterEach, expect, test } from '@jest/globals';
import { readDocument, schemasOf } from '#api/openapi/document.ts';
import { validatorWith } from '#api/openapi/validator.ts';
import { DocumentCompiler } from './document-compiler.ts';

const FILL = `# ${'a'.repeat(5_000)}\n`;
const YAML = `${FILL}
openapi: 3.1.0
paths:
  /a:
    post:
      parameters: [{ name: n, in: query, schema: { type: integer, format: int32 } }]
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/A' } } } }
components: { schemas: { A: { properties: { a: { pattern: '^a$' }, all: { uniqueItems: true, items: { $ref: '#/components/schemas/A' } } } } } }
`;

let compiler = new DocumentCompiler();
afterEach(async () => {
  await compiler.close();
  compiler = new DocumentCompiler();
});

/** The document as JSON, and the places of the schemas of its operation. */
async function opened() {
  const json = (await compiler.read(YAML)) as string;
  const read = readDocument(json);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const places = read.value.operations.flatMap(schemasOf).map(({ part, direction }) => ({ path: part.path, direction }));
  return { document: compiler.open(json), places };
}

test('a schema is compiled with all that it refers to', async () => {
  const { document, places } = await opened();
  const [ofParameter, ofBody] = (await document.compile(places)).map(validatorWith);
  expect([ofParameter?.check(1), ofParameter?.check(2 ** 31)]).toEqual([
    [],
    [expect.objectContaining({ reason: expect.stringContaining('int32') })],
  ]);
  expect(ofBody?.check({ a: 'a', all: [{ a: 'a' }, {}] })).toEqual([]);
  const faults = ofBody?.check({ a: 'b', all: [{ a: 'c' }, { a: 'c' }] }).map(({ pointer }) => pointer);
  expect([...(faults ?? [])].sort()).toEqual(['/a', '/all', '/all/0/a', '/all/1/a']);
});

test('a document that is closed can still be compiled for the requests that it has', async () => {
  const { document, places } = await opened();
  document.close();
  expect(await document.compile(places)).toEqual([expect.anything(), expect.anything()]);
});

test('a document has faults, and none that can be read is none', async () => {
  expect(await compiler.check(YAML.replace('^a$', '(?=a)'))).toEqual([expect.stringMatching(/^line 9 .* is not RE2/)]);
  expect(await compiler.read(`${FILL}a: [`)).toBeNull();
});

test('a place without a schema, and a thread that ends, give no validator', async () => {
  const { document, places } = await opened();
  expect(await document.compile([{ path: ['components', 'none'], direction: 'request' }])).toEqual([expect.anything()]);
  const lost = document.compile(places);
  await compiler.close();
  expect(await lost).toEqual([null, null]);
  expect(validatorWith(null).check({})).toEqual([{ pointer: '', reason: 'has a schema that cannot be used' }]);
  expect(await document.compile(places)).toEqual([expect.anything(), expect.anything()]);
});
