// The operations of identity over HTTP, with real sessions: each does its example, and the surface is attacked.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { startAdminApi, type TestApi } from '../../test/support/admin-server.ts';
import { EXAMPLE_SECRETS, IdentityAreas } from '../../test/support/identity-areas.ts';
import { csrfTokenOf } from './credential.ts';
import { EXAMPLE_CODE, EXAMPLE_IDS, EXAMPLE_PASSWORD } from './examples.ts';
import type { AdminOperation } from '../api/operation.ts';

const identity = new IdentityAreas();
const OPERATIONS = identity.areas.flatMap(({ name, operations }) =>
  operations.map((operation) => ({ id: operation.id, area: name, operation })),
);
const ajv = new Ajv2020({ strict: false });

let api: TestApi;
beforeAll(async () => {
  api = await startAdminApi(identity.areas, {}, { authenticator: identity.identity.authenticator });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await identity.stop();
});

interface Call {
  readonly method?: string;
  readonly body?: unknown;
  /** The secret of a session; null: no cookie. */
  readonly secret?: string | null;
  readonly token?: string;
  /** Headers in place of those of a page of this server. */
  readonly headers?: Readonly<Record<string, string>>;
}

function call(path: string, { method = 'GET', body, headers = {}, ...credentials }: Call = {}): Promise<Response> {
  const given = { ...credentialsOf(credentials), 'if-match': '*', origin: api.url };
  const content = body === undefined ? {} : { 'content-type': 'application/json' };
  const init = { method, headers: { ...given, ...content, ...headers }, body: body === undefined ? null : JSON.stringify(body) };
  return fetch(`${api.url}/api/v1${path}`, init);
}

function credentialsOf({ secret = EXAMPLE_SECRETS.ana, token }: Pick<Call, 'secret' | 'token'>): Readonly<Record<string, string>> {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  return secret === null ? {} : { cookie: `weir-session=${secret}`, 'weir-csrf-token': csrfTokenOf(secret) };
}

/** The status and the code of a refusal. */
async function refusal(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const { code } = (await response.json()) as { readonly code: string };
  return `${response.status} ${code}`;
}

function pathOf({ path }: AdminOperation, params: unknown): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => (params as Record<string, string>)[name] ?? '');
}

describe.each(OPERATIONS)('$id', ({ area, operation }) => {
  const { method, example, permission, needsLogin } = operation;
  const parts = { method, ...(example.body === undefined ? {} : { body: example.body }) };
  beforeEach(() => identity.prepare(area));

  test('does its example', async () => {
    const secret = permission === null && needsLogin !== true ? null : EXAMPLE_SECRETS.ana;
    const response = await call(pathOf(operation, example.params), { ...parts, secret });
    const text = await response.text();
    expect([response.status, response.status < 400 ? '' : text]).toEqual([operation.status, '']);
    if (operation.status === 204) return;
    expect([ajv.validate(operation.answer, JSON.parse(text)), ajv.errorsText()]).toEqual([true, 'No errors']);
    expect([ajv.validate(operation.answer, example.answer), ajv.errorsText()]).toEqual([true, 'No errors']);
    if (method !== 'GET') expect(api.auditor.entries.at(-1)).toMatchObject({ operation: operation.id, outcome: 'success', changes: [{}] });
  });

  test('is refused without credentials, without the permission, and for an unknown id', async () => {
    if (permission === null && needsLogin !== true) return;
    const path = pathOf(operation, example.params);
    expect(await refusal(call(path, { ...parts, secret: null }))).toBe('401 credentials-needed');
    if (permission !== null && operation.filtersNamespaces !== true)
      expect(await refusal(call(path, { ...parts, secret: EXAMPLE_SECRETS.nil }))).toBe('403 permission-needed');
    if (example.unknown !== undefined) expect((await call(pathOf(operation, example.unknown), parts)).status).toBe(404);
  });
});

describe('attacks', () => {
  beforeEach(() => identity.prepare('account'));

  const login = (body: object = {}, call_: Call = {}) =>
    call('/login', { method: 'POST', secret: null, body: { user: 'nil', password: EXAMPLE_PASSWORD, ...body }, ...call_ });

  test('a login ignores a planted cookie, and its cookie is closed to scripts and to other sites', async () => {
    const response = await login({}, { headers: { cookie: 'weir-session=planted' } });
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^weir-session=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain('planted');
    expect(await refusal(call('/me', { secret: 'planted' }))).toBe('401 credentials-invalid');
  });

  test('a session changes nothing without its own token, and a logout ends it', async () => {
    for (const csrf of ['', csrfTokenOf(EXAMPLE_SECRETS.nil), EXAMPLE_SECRETS.ana])
      expect((await call('/logout', { method: 'POST', headers: { 'weir-csrf-token': csrf } })).status).toBe(403);
    expect((await call('/logout', { method: 'POST' })).status).toBe(204);
    expect(await refusal(call('/me'))).toBe('401 credentials-invalid');
  });

  test.each([
    ['POST', '/users', { name: 'eve', roles: ['admin'] }],
    ['POST', '/users', { name: 'eve', disabled: false, source: 'oidc' }],
    ['PATCH', '/users/nil', { groups: ['admins'] }],
    ['PATCH', '/users/nil', { mustChangePassword: false }],
    ['PUT', '/me/password', { current: EXAMPLE_PASSWORD, password: 'nine red kites', role: 'admin' }],
    ['POST', '/login', { user: 'nil', password: EXAMPLE_PASSWORD, role: 'admin' }],
    ['POST', '/me/tokens', { name: 'x', days: 1, owner: 'admin' }],
    ['PUT', '/roles/releaser', { description: '', permissions: ['*'] }],
    ['POST', '/users', { name: 'a\u0000b' }],
    ['POST', '/users', { name: 'eve', displayName: 'a\u0000b' }],
    ['POST', '/users', { name: 'eve', displayName: 'line\nforged line' }],
    ['POST', '/login', { user: 'a\u0000b', password: 'x' }],
    ['POST', '/me/tokens', { name: 'x', days: 100_000 }],
    ['POST', '/me/tokens', { name: 'x', days: '1' }],
  ])('%s %s %j is refused', async (method, path, body) => {
    expect(await refusal(call(path, { method, body }))).toBe('400 invalid-fields');
  });

  test('patterns repeat one class of characters, so that no text makes them slow', () => {
    const patterns = JSON.stringify(
      OPERATIONS.map(({ operation }) => [operation.params, operation.query, operation.body]),
      (name, each: unknown) => (name === 'pattern' ? `PATTERN${String(each)}PATTERN` : each),
    ).split('PATTERN');
    const found = new Set(patterns.filter((_, i) => i % 2 === 1));
    expect(found.size).toBeGreaterThan(3);
    for (const pattern of found) expect(pattern).toMatch(/^\^(\[[^\]]+\])?\[[^\]]+\][*+]\$$/);
  });

  test('a token cannot change credentials, nor see more than its scope', async () => {
    const made = await call('/me/tokens', { method: 'POST', body: { name: 'x', days: 1, permissions: ['users:read'] } });
    const { secret: token } = (await made.json()) as { readonly secret: string };
    expect((await call('/users/nil', { token })).status).toBe(200);
    expect(await refusal(call('/users/nil', { token, method: 'DELETE' }))).toBe('403 permission-needed');
    const proof = { current: EXAMPLE_PASSWORD, password: 'nine red kites at dawn' };
    expect(await refusal(call('/me/password', { token, method: 'PUT', body: proof }))).toBe('403 session-needed');
    expect(await refusal(call('/me/tokens', { token, method: 'POST', body: { name: 'y', days: 1 } }))).toBe('403 session-needed');
    expect(await refusal(call('/me/sessions/another-session', { token, method: 'DELETE' }))).toBe('403 session-needed');
  });

  test('the sessions and tokens of another user do not exist for a caller', async () => {
    const secret = EXAMPLE_SECRETS.nil;
    expect(await refusal(call(`/me/sessions/${EXAMPLE_IDS.session}`, { secret, method: 'DELETE' }))).toBe('404 session-unknown');
    expect(await refusal(call(`/me/tokens/${EXAMPLE_IDS.token}`, { secret, method: 'DELETE' }))).toBe('404 token-unknown');
    expect(await refusal(call(`/sessions/${EXAMPLE_IDS.session}`, { secret, method: 'DELETE' }))).toBe('403 permission-needed');
  });

  test('a page of users has a cursor, and a forged cursor is refused', async () => {
    const page = async (query: string) =>
      (await (await call(`/users?${query}`)).json()) as { items: { name: string }[]; next: string | null };
    const first = await page('limit=2');
    expect(first.items.map(({ name }) => name)).toEqual(['admin', 'ana']);
    expect((await page(`limit=2&cursor=${first.next}`)).items.map(({ name }) => name)).toEqual(['nil']);
    for (const text of ["' OR 1=1 --", 'a\u0000'])
      expect(await refusal(call(`/users?cursor=${Buffer.from(text).toString('base64url')}`))).toBe('400 invalid-fields');
  });

  test('no secret is in the log, in the audit log, or in an answer about users', async () => {
    const made = await call('/me/tokens', { method: 'POST', body: { name: 'x', days: 1 } });
    const { secret: token } = (await made.json()) as { readonly secret: string };
    await call('/me', { token });
    await call('/me', { token: `${token}x` });
    const begun = await login();
    const cookie = /weir-session=([\w-]+)/.exec(begun.headers.get('set-cookie') ?? '')?.[1] ?? '';
    await login({ password: 'a wrong password' });
    await login({ user: 'ana', code: EXAMPLE_CODE });
    const kept = [...api.log, JSON.stringify(api.auditor.entries), await (await call('/users')).text()].join('\n');
    expect(cookie).toHaveLength(43);
    for (const hidden of [token, cookie, EXAMPLE_PASSWORD, 'a wrong password', '$argon2id$', EXAMPLE_SECRETS.ana])
      expect(kept).not.toContain(hidden);
  });
});
