// The admin API keeps what it has released: the documents of releases (releases/) hold against that of now. At a release,
// `npm run api-release` writes the document of its version.
import { afterAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { documentOf } from '../../admin/api/document.ts';
import { makeTestAreas } from '../support/admin-areas.ts';
import { breaksOf, releasedDocument, type ReleasedDocument } from '../support/api-compatibility.ts';

const FOLDER = path.join(import.meta.dirname, 'releases');
const { areas, stop } = makeTestAreas();
const NOW = releasedDocument(documentOf(areas));
afterAll(stop);

/** An operation in a line, so that a difference shows what changes. */
function textOf({ info, paths }: ReleasedDocument): string {
  const lines = Object.entries(paths).map(([name, methods]) => {
    const operations = Object.entries(methods).map(([method, each]) => `   ${JSON.stringify(method)}: ${JSON.stringify(each)}`);
    return `  ${JSON.stringify(name)}: {\n${operations.join(',\n')}\n  }`;
  });
  return `{\n "info": ${JSON.stringify(info)},\n "paths": {\n${lines.join(',\n')}\n }\n}\n`;
}

if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path.join(FOLDER, `${NOW.info.version}.json`), textOf(NOW));

test.each(readdirSync(FOLDER))('callers of %s go on', (name) => {
  const released = JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8')) as ReleasedDocument;
  expect(Object.keys(released.paths).length).toBeGreaterThan(10);
  expect(breaksOf(released, NOW)).toEqual([]);
});

/** A document with one operation. */
function documented(change: object = {}, schema: object = {}, answer: object = {}): ReleasedDocument {
  const operation = {
    operationId: 'users.update',
    security: [{ token: [] }],
    'x-permission': 'users:write',
    'x-scope': 'all',
    parameters: [
      { name: 'user', in: 'path', required: true, schema: { type: 'string', maxLength: 10 } },
      { name: 'force', in: 'query', required: false, schema: { type: 'boolean' } },
    ],
    requestBody: { content: { 'application/json': { schema: { ...BODY, ...schema } } } },
    responses: {
      200: { content: { 'application/json': { schema: { ...ANSWER, ...answer } } } },
      409: { 'x-codes': ['last-admin'] },
    },
    ...change,
  };
  return { info: { version: '1' }, paths: { '/users/{user}': { patch: operation } } } as unknown as ReleasedDocument;
}

const BODY = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string', pattern: '^a' },
    kind: { enum: ['a', 'b'] },
    list: { type: 'array', maxItems: 5, items: { type: 'string' } },
  },
};
const ANSWER = {
  type: 'object',
  required: ['name', 'items'],
  properties: {
    name: { type: 'string' },
    kind: { enum: ['a'] },
    items: { type: 'array', items: { type: 'object', properties: { id: { type: 'integer' } } } },
  },
};
const property = (schema: { readonly properties: object }, change: object) => ({ properties: { ...schema.properties, ...change } });
const { name: _, ...WITHOUT_NAME } = BODY.properties;
const PARAMETERS = documented().paths['/users/{user}']!['patch']!.parameters;

describe('a break', () => {
  test.each<[string, ReleasedDocument, string]>([
    ['an operation that is gone', { ...documented(), paths: {} }, 'PATCH /users/{user} is gone'],
    ['another id', documented({ operationId: 'users.change' }), 'its id users.update is now users.change'],
    ['another permission', documented({ 'x-permission': 'users:admin' }), 'its permission users:write is now users:admin'],
    ['a parameter that is gone', documented({ parameters: PARAMETERS.slice(0, 1) }), 'the parameter query force is gone'],
    [
      'a new required parameter',
      documented({ parameters: [...PARAMETERS, { name: 'why', in: 'query', required: true, schema: {} }] }),
      'the new parameter query why is required',
    ],
    [
      'a precondition',
      documented({ parameters: [...PARAMETERS, { $ref: '#/components/parameters/IfMatch' }] }),
      'the new parameter #/components/parameters/IfMatch is required',
    ],
    [
      'a shorter text',
      documented({ parameters: [{ ...PARAMETERS[0], schema: { type: 'string', maxLength: 9 } }, PARAMETERS[1]] }),
      'path user: maxLength is lower',
    ],
    ['no body', documented({ requestBody: undefined }), 'it takes no body any more'],
    ['a member of the body that is gone', documented({}, { properties: WITHOUT_NAME }), 'body.name is gone'],
    ['a new required member', documented({}, { ...property(BODY, { age: {} }), required: ['name', 'age'] }), 'body.age is required'],
    ['another type', documented({}, property(BODY, { name: { type: 'integer', pattern: '^a' } })), 'body.name may not be string any more'],
    ['another pattern', documented({}, property(BODY, { name: { type: 'string', pattern: '^b' } })), 'body.name: its pattern is another'],
    ['a word less', documented({}, property(BODY, { kind: { enum: ['a'] } })), 'body.kind may not be "b" any more'],
    [
      'another type of items',
      documented({}, property(BODY, { list: { type: 'array', maxItems: 5, items: { type: 'integer' } } })),
      'body.list[] may not be string any more',
    ],
    ['a status that is gone', documented({ responses: { 200: {} } }), 'the status 409 is gone'],
    [
      'a code that is gone',
      documented({ responses: { ...documented().paths['/users/{user}']!['patch']!.responses, 409: {} } }),
      'the code last-admin of 409 is gone',
    ],
    [
      'a member of the answer that is gone',
      documented({}, {}, { properties: { items: ANSWER.properties.items } }),
      'answer 200.name is gone',
    ],
    ['a member that may be missing', documented({}, {}, { required: ['items'] }), 'answer 200.name may be missing'],
    [
      'null where it never was',
      documented({}, {}, property(ANSWER, { name: { anyOf: [{ type: 'string' }, { type: 'null' }] } })),
      'answer 200.name may be null',
    ],
  ])('is %s', (_, after, reason) => {
    expect(breaksOf(documented(), after).join('\n')).toContain(reason);
  });
});

test.each<[string, ReleasedDocument]>([
  ['nothing', documented()],
  ['a new optional parameter', documented({ parameters: [...PARAMETERS, { name: 'why', in: 'query', required: false, schema: {} }] })],
  ['a new optional member', documented({}, property(BODY, { age: { type: 'integer' } }))],
  ['a word more', documented({}, property(BODY, { kind: { enum: ['a', 'b', 'c'] } }), property(ANSWER, { kind: { enum: ['a', 'z'] } }))],
  ['a wider limit', documented({}, property(BODY, { list: { type: 'array', items: { type: 'string' } } }))],
  ['a member that is optional now', documented({}, { required: [] })],
  ['a new member of the answer', documented({}, {}, property(ANSWER, { age: { type: 'integer' } }))],
  ['a new status', documented({ responses: { ...documented().paths['/users/{user}']!['patch']!.responses, 422: {} } })],
])('%s is no break', (_, after) => {
  expect(breaksOf(documented(), after)).toEqual([]);
});
