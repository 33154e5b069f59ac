// Every operation of the document is refused without credentials, with a wrong role or tenant, with a wrong body, for an unknown id and
// after a concurrent write, and does its example. A new operation without an example fails here.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loginHeaders, makeTestAreas, sessionOf } from '../support/admin-areas.ts';
import { answerTrouble, exampleOf, lacksOf, operationsIn, refusalsOf, statusOf } from '../support/admin-operations.ts';
import type { AdminDocument, DocumentedOperation } from '../support/admin-operations.ts';
import { startAdminApi, type TestApi } from '../support/admin-server.ts';

const { areas, authenticator, prepare, stop } = makeTestAreas();
const CALLERS = { all: sessionOf('ana'), none: sessionOf('nil'), open: loginHeaders() };
const IDS = areas.flatMap(({ name, operations }) => operations.map(({ id }) => ({ area: name, id })));

let api: TestApi;
let documented: ReadonlyMap<string, DocumentedOperation>;

beforeAll(async () => {
  api = await startAdminApi(areas, {}, { authenticator });
  const document = (await (await fetch(`${api.url}/api/v1/openapi.json`)).json()) as AdminDocument;
  documented = new Map(operationsIn(document).map((operation) => [operation.operationId, operation]));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await stop();
});

function found(id: string): DocumentedOperation {
  const operation = documented.get(id);
  if (operation === undefined) throw new Error(`the document does not have ${id}`);
  return operation;
}

test('the document has each operation once', () => {
  expect([...documented.keys()].toSorted()).toEqual(IDS.map(({ id }) => id).toSorted());
});

describe.each(IDS)('$id', ({ area, id }) => {
  test('has examples', () => {
    expect(lacksOf(found(id))).toEqual([]);
  });

  test('refuses wrong requests', async () => {
    await prepare(area);
    for (const { title, request, status, code, field } of refusalsOf(api.url, found(id), CALLERS)) {
      const response = await fetch(request);
      const problem = (await response.json()) as { readonly code: string; readonly errors?: readonly { readonly field: string }[] };
      expect([title, response.status, code === null ? null : problem.code]).toEqual([title, status, code]);
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      if (field !== null) expect(problem.errors?.map((each) => each.field)).toContain(field);
    }
  });

  test('does its example', async () => {
    await prepare(area);
    const operation = found(id);
    const entries = api.auditor.entries.length;
    const response = await fetch(exampleOf(api.url, operation, CALLERS));
    const isStream =
      response.ok && response.status === 200 && response.headers.get('content-type')?.startsWith('application/json') !== true;
    const body = isStream ? '' : await response.text();
    await (isStream ? response.body?.cancel() : undefined);
    expect([response.status, response.status < 400 ? '' : body]).toEqual([statusOf(operation), '']);
    expect(answerTrouble(operation, body)).toBe('');
    expect(api.auditor.entries.slice(entries)).toMatchObject(operation['x-audited'] ? [{ operation: id, outcome: 'success' }] : []);
  });
});
