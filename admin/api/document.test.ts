import { describe, expect, test } from '@jest/globals';
import { Type } from '#lib/typebox.ts';
import { documentOf } from './document.ts';
import { adminOperation, reply } from './operation.ts';
import { PAGE, pageQuery } from './page.ts';

const NAME = Type.String({ pattern: '^[a-z]+$', description: 'Its name.', '~must': 'small letters' });

const update = adminOperation({
  id: 'users.update',
  method: 'PUT',
  path: '/namespaces/{namespace}/users/{user}',
  tag: 'users',
  summary: 'Replace a user',
  permission: 'users:write',
  namespaceOf: ({ params }) => params.namespace,
  params: Type.Object({ namespace: NAME, user: NAME }, { additionalProperties: false }),
  query: pageQuery({ force: Type.Optional(Type.Boolean()) }),
  body: Type.Object({ name: NAME }, { additionalProperties: false }),
  precondition: 'required',
  problems: { 409: ['user-locked'] },
  answer: Type.Object({ name: NAME }),
  example: {
    params: { namespace: 'shop', user: 'ana' },
    query: { limit: 10 },
    body: { name: 'ana' },
    answer: { name: 'ana' },
    unknown: { namespace: 'shop', user: 'x' },
  },
  run: ({ body }) => Promise.resolve(reply(body)),
});

interface Shown {
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

describe('the document of an operation', () => {
  const text = documentOf([{ name: 'users', summary: 'Users.', operations: [update] }]);
  const { paths } = JSON.parse(text) as { readonly paths: Readonly<Record<string, Readonly<Record<string, Shown>>>> };
  const shown = paths['/namespaces/{namespace}/users/{user}']?.['put'] as Shown;

  test('has its permission, scope, examples and unknown parameters', () => {
    expect(shown).toMatchObject({
      operationId: 'users.update',
      'x-permission': 'users:write',
      'x-scope': 'namespace',
      'x-unknown': { namespace: 'shop', user: 'x' },
      security: [{ token: [] }, { session: [] }],
      requestBody: { required: true, content: { 'application/json': { example: { name: 'ana' } } } },
    });
  });

  test('has the parameters of path, query and headers', () => {
    expect(
      shown.parameters.map((each) => each['$ref'] ?? `${String(each['in'])} ${String(each['name'])} ${String(each['required'])}`),
    ).toEqual([
      'path namespace true',
      'path user true',
      ...Object.keys(PAGE).map((name) => `query ${name} false`),
      'query force false',
      '#/components/parameters/IfMatch',
      '#/components/parameters/Reason',
      '#/components/parameters/CsrfToken',
    ]);
    expect(shown.parameters[1]).toMatchObject({ example: 'ana', description: 'Its name.' });
  });

  test('has the refusals of the server and of the operation', () => {
    expect(Object.keys(shown.responses)).toEqual([
      '200',
      '400',
      '401',
      '403',
      '404',
      '409',
      '412',
      '413',
      '415',
      '428',
      '429',
      '500',
      '503',
    ]);
    expect(shown.responses['409']?.description).toBe('The operation is not possible now. Codes: user-locked.');
  });

  test('has no notes for the texts of errors', () => {
    expect(text).not.toContain('~');
  });
});
