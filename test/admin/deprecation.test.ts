// An operation that is to go says so: in its answers, also in refusals, and in the document.
import { expect, test } from '@jest/globals';
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply } from '../../admin/api/operation.ts';
import { startAdminApi } from '../support/admin-server.ts';

const old = adminOperation({
  ...{ id: 'users.list', method: 'GET', path: '/users', tag: 'users', summary: 'List users', permission: 'users:read' },
  deprecated: '2026-11-30',
  answer: Type.Object({ items: Type.Array(Type.String()) }),
  example: { answer: { items: [] } },
  run: () => Promise.resolve(reply({ items: [] })),
});

test('answers have the header Deprecation of RFC 9745', async () => {
  const area = { name: 'users', summary: 'Users.', operations: [old] };
  await using api = await startAdminApi([area], { ana: { permissions: ['users:read'] } });
  const asked = async (path: string, token: string) => {
    const response = await fetch(`${api.url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
    return [response.status, response.headers.get('deprecation'), await response.json()] as const;
  };
  expect(await asked('/users', 'ana')).toMatchObject([200, '@1795996800', {}]);
  expect(await asked('/users', 'nil')).toMatchObject([401, '@1795996800', {}]);
  const [, header, document] = await asked('/openapi.json', 'ana');
  expect(header).toBeNull();
  expect(document).toMatchObject({ paths: { '/users': { get: { deprecated: true } } } });
});
