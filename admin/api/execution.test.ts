// Which operations have an entry in the audit log.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Type } from '#lib/typebox.ts';
import { startAdminApi, type TestApi } from '../../test/support/admin-server.ts';
import { adminOperation, reply, type AdminOperation } from './operation.ts';

function question(id: string, audited: boolean, changes: boolean): AdminOperation {
  return adminOperation({
    ...{ id: `window.${id}`, method: 'POST', path: `/window/${id}`, tag: 'window', summary: 'Ask', permission: 'traffic:read', audited },
    answer: Type.Object({}),
    example: { answer: {} },
    run(_, { changed }) {
      if (changes) changed({ object: 'window/all', before: null, after: {} });
      return Promise.resolve(reply({}));
    },
  });
}

let api: TestApi;
beforeAll(async () => {
  const operations = [question('ask', false, false), question('lie', false, true), question('change', true, true)];
  const callers = { ana: { permissions: ['traffic:read'] }, eve: { permissions: [] } } as const;
  api = await startAdminApi([{ name: 'window', summary: 'Questions.', operations }], callers);
});
beforeEach(() => void api.auditor.entries.splice(0));
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function post(id: string, caller = 'ana') {
  const answer = await fetch(`${api.url}/api/v1/window/${id}`, { method: 'POST', headers: { authorization: `Bearer ${caller}` } });
  return { status: answer.status, body: await answer.json() };
}

test('a question by POST has none, and is answered while the log takes none', async () => {
  expect(await post('change')).toMatchObject({ status: 200 });
  expect(api.auditor.entries).toMatchObject([{ operation: 'window.change', changes: [{ object: 'window/all' }] }]);
  api.auditor.trouble = 'the disk is full';
  expect(await post('change')).toMatchObject({ status: 503, body: { code: 'audit-away' } });
  expect(await post('ask')).toMatchObject({ status: 200 });
  api.auditor.trouble = null;
  expect(await post('ask')).toMatchObject({ status: 200 });
  expect(await post('ask', 'eve')).toMatchObject({ status: 403 });
  expect(api.auditor.entries).toHaveLength(1);
});

test('a question that changes something is a bug', async () => {
  expect(await post('lie')).toMatchObject({ status: 500, body: { code: 'bug' } });
  expect(api.log.join('')).toContain('an operation without an entry in the audit log changed window/all');
});
