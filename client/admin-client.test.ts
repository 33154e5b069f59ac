// The client against the real server of the API with all its areas, and against servers that are none.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeTestAreas } from '../test/support/admin-areas.ts';
import { startAdminApi, type TestApi } from '../test/support/admin-server.ts';
import { EXAMPLE_PASSWORD } from '../admin/identity/examples.ts';
import { AdminClient, type ClientOptions } from './admin-client.ts';
import { SessionCredentials, tokenCredentials } from './credentials.ts';

const parts = makeTestAreas();
let api: TestApi;
let client: AdminClient;
let session: SessionCredentials;

beforeAll(async () => {
  api = await startAdminApi(parts.areas, {}, { authenticator: parts.authenticator });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await parts.stop();
});

describe('a session', () => {
  beforeEach(async () => {
    await parts.prepare('users');
    await parts.prepare('configuration');
    session = new SessionCredentials(api.url);
    client = new AdminClient({ url: api.url, credentials: session, reason: 'a test' });
    const login = await client.call('account.login', { body: { user: 'ana', password: EXAMPLE_PASSWORD, code: '005924' } });
    if (!login.ok) throw new Error(login.error.detail);
    session.setCsrfToken(login.value.body.csrfToken);
  });

  test('reads, and changes with its token against forged requests', async () => {
    expect(await client.call('users.get', { params: { user: 'nil' } })).toMatchObject({
      ok: true,
      value: { body: { user: { name: 'nil' } } },
    });
    const created = await client.call('users.create', { body: { name: 'ben' } });
    expect(created).toMatchObject({ ok: true, value: { body: { user: { name: 'ben' } } } });
    const etag = (created.ok && created.value.etag) || '';
    const body = { displayName: 'Ben' };
    expect(await client.call('users.update', { params: { user: 'ben' }, body, ifMatch: etag })).toMatchObject({ ok: true });
    expect(await client.call('users.update', { params: { user: 'ben' }, body, ifMatch: etag })).toMatchObject({
      error: { status: 412, code: 'changed-meanwhile' },
    });
    expect(api.auditor.entries.at(-1)).toMatchObject({ operation: 'users.update', reason: 'a test', outcome: 'refused' });
    expect(await client.call('users.delete', { params: { user: 'ben' } })).toEqual({ ok: true, value: { body: undefined, etag: null } });
  });

  test('keeps the secret that a new password brings, and forgets that of a logout', async () => {
    const former = session.session.cookie;
    const body = { current: EXAMPLE_PASSWORD, password: 'nine red kites at dawn' };
    const changed = await client.call('account.changePassword', { body });
    if (!changed.ok) throw new Error(changed.error.detail);
    session.setCsrfToken(changed.value.body.csrfToken);
    expect(session.session.cookie).not.toBe(former);
    expect(await client.call('account.logout')).toMatchObject({ ok: true });
    expect(session.session.cookie).toBe('');
    expect(await client.call('account.get')).toMatchObject({ error: { status: 401, code: 'credentials-needed' } });
  });

  test('names the wrong fields', async () => {
    expect(await client.call('users.create', { body: { name: 'Not A Name' } })).toMatchObject({
      error: { status: 400, code: 'invalid-fields', errors: [{ field: 'body.name' }], requestId: expect.stringMatching(/./) },
    });
  });

  test.each(['', '.', '..'])('sends no request for the name %j, which would be another path', async (user) => {
    expect(await client.call('users.get', { params: { user } })).toMatchObject({ error: { status: 0, code: 'invalid-name' } });
  });

  test.each(['../users', 'a/b', 'a?b#c', 'ä'])('leaves the name %j one part of the path', async (name) => {
    const params = { kind: 'HTTPRoute', namespace: 'shop', name };
    expect(await client.call('configuration.get', { params })).toMatchObject({ ok: false });
    expect(api.log.join('')).not.toContain('path-unknown');
  });

  test('reads an answer in parts', async () => {
    const stream = await client.stream('audit.export');
    if (!stream.ok) throw new Error(stream.error.detail);
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream.value) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toMatch(/^\{"auditLog":1,/);
    expect(await client.stream('audit.export', { query: { since: 'yesterday' } })).toMatchObject({
      error: { code: 'invalid-fields', errors: [{ field: 'query.since' }] },
    });
  });
});

describe('another server', () => {
  const servers: http.Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  });

  async function serve(listener: http.RequestListener): Promise<string> {
    const server = http.createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const get = (url: string, options: Partial<ClientOptions> = {}) =>
    new AdminClient({ url, credentials: tokenCredentials('weir_secret'), ...options }).call('account.get');

  test('does not get the token by a redirection', async () => {
    const seen: (string | undefined)[] = [];
    const thief = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const url = await serve((_, response) => response.writeHead(307, { location: `${thief}/api/v1/me` }).end());
    const refused = await get(url);
    expect(refused).toMatchObject({ error: { status: 307, code: 'redirected', detail: expect.stringContaining(thief) } });
    expect(JSON.stringify(refused)).not.toContain('weir_secret');
    expect(seen).toEqual([]);
  });

  test.each<[string, http.RequestListener, string, Partial<ClientOptions>]>([
    ['answers without JSON', (_, response) => response.end('<html>'), 'foreign-answer', {}],
    ['refuses without a problem', (_, response) => response.writeHead(403).end('no'), 'foreign-answer', {}],
    ['sends without end', (_, response) => void response.write('x'.repeat(5_000)), 'answer-too-large', { maxBytes: 1_000 }],
    ['never answers', () => undefined, 'timeout', { timeout: 50 }],
    ['begins and stops', (_, response) => void response.write('{'), 'timeout', { timeout: 50 }],
    ['cuts the connection', (request) => request.socket.destroy(), 'unreachable', {}],
  ])('that %s is a problem', async (_, listener, code, options) => {
    const refused = await get(await serve(listener), options);
    expect(refused).toMatchObject({ ok: false, error: { code } });
    expect(JSON.stringify(refused)).not.toContain('weir_secret');
  });

  test('that is not there is a problem', async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await get(url)).toMatchObject({ error: { status: 0, code: 'unreachable', detail: expect.stringContaining('ECONNREFUSED') } });
  });

  test('that has too many requests gets the next attempt when it asks for it', async () => {
    let refusals = 2;
    const waits: number[] = [];
    const problem = JSON.stringify({ code: 'rate-of-caller', detail: 'too many' });
    const url = await serve((_, response) => {
      if (refusals-- === 0) return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"name":"ana"}');
      response.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '3' }).end(problem);
    });
    const wait = (seconds: number) => Promise.resolve(waits.push(seconds));
    expect(await get(url, { wait })).toMatchObject({ ok: true, value: { body: { name: 'ana' } } });
    expect(waits).toEqual([3, 3]);
    refusals = 100;
    expect(await get(url, { wait })).toMatchObject({ error: { status: 429, retryAfter: 3 } });
    expect(waits).toHaveLength(5);
  });
});
