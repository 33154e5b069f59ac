// Opaque tokens that a real endpoint explains: `weir up` with a folder, and the ways in which tokens and endpoints may be wrong.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { consumer, FolderSite, protectedRoute, secret } from '../support/folder-site.ts';
import { until } from '../support/until.ts';

const NOW = Math.floor(Date.now() / 1_000);
const SECRET = 'p@ss word+7';
const ALICE = { active: true, sub: 'alice', aud: ['api'], scope: 'read write', exp: NOW + 3_600, tenant: 'blue', groups: ['staff'] };

interface Question {
  readonly authorization: string | undefined;
  readonly type: string | undefined;
  readonly token: string | null;
  readonly hint: string | null;
}

/** Answers by token; the text of an answer as it is sent. */
const answers = new Map<string, string>([['alice', JSON.stringify(ALICE)]]);
const asked: Question[] = [];

let site: FolderSite;
let endpoint: http.Server;
let broken: http.Server;

async function listen(respond: (token: string, response: http.ServerResponse) => void): Promise<http.Server> {
  const server = http.createServer((request, response) => void answer(request, response, respond)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  respond: (token: string, response: http.ServerResponse) => void,
): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const form = new URLSearchParams(body);
  const { authorization, 'content-type': type } = request.headers;
  asked.push({ authorization, type, token: form.get('token'), hint: form.get('token_type_hint') });
  respond(form.get('token') ?? '', response);
}

function explain(token: string, response: http.ServerResponse): void {
  response.setHeader('content-type', 'application/json');
  response.end(answers.get(token) ?? '{"active":false}');
}

/** Ways to give no usable answer, by token. */
function fail(token: string, response: http.ServerResponse): void {
  if (token === 'redirect') response.writeHead(302, { location: uriOf(endpoint) }).end();
  else if (/^\d+$/.test(token)) response.writeHead(Number(token)).end('{"active":true,"sub":"alice"}');
  else if (token === 'huge') response.end(`{"active":true,"sub":"alice","fill":"${'x'.repeat(70_000)}"}`);
  else if (token !== 'never') response.end(token);
}

function uriOf(server: http.Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`;
}

function questionsAbout(token: string): number {
  return asked.filter((question) => question.token === token).length;
}

function bearer(token: string): http.OutgoingHttpHeaders {
  return { authorization: `Bearer ${token}` };
}

async function challengesOf(url: string, token: string): Promise<readonly unknown[]> {
  const { statusCode, headers } = await site.get(url, bearer(token));
  return [statusCode, headers['www-authenticate']];
}

const INVALID = [401, 'Bearer error="invalid_token"'];
const client = { clientID: 'weir:1', clientSecret: { secretRef: { name: 'client' }, key: 'secret' } };

function protectedBy(name: string, settings: object): readonly object[] {
  const headersToBackend = [
    { name: 'x-user', value: 'principal.id' },
    { name: 'x-tenant', value: 'principal.claims.tenant' },
  ];
  return protectedRoute(name, { authentication: { introspection: { ...client, ...settings } }, headersToBackend });
}

beforeAll(async () => {
  endpoint = await listen(explain);
  broken = await listen(fail);
  const uri = uriOf(endpoint);
  site = await FolderSite.open(
    [
      secret('client', { secret: `${SECRET}\n` }),
      consumer('carol', { plan: 'gold', credentials: [{ jwt: { issuer: 'https://issuer.test', claim: 'sub', value: 'carol-id' } }] }),
      ...protectedBy('plain', { uri }),
      ...protectedBy('strict', { uri, audiences: ['api'], scopes: ['read'], requiredClaims: [{ name: 'tenant', values: ['blue'] }] }),
      ...protectedBy('issuer', { uri, issuer: 'https://issuer.test' }),
      ...protectedBy('query', { uri, from: [{ query: 'token' }], forward: true }),
      ...protectedBy('fresh', { uri, cache: { ttl: '0s', inactiveTtl: '0s' } }),
      ...protectedBy('backend', { backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }, path: '/explain?v=1' }),
      ...protectedBy('broken', { uri: uriOf(broken), timeout: '500ms' }),
      ...protectedBy('away', { uri: 'http://127.0.0.1:1/' }),
    ],
    {
      respond: (request, response) => {
        if (request.url?.startsWith('/explain') === true) void answer(request, response, explain);
        else response.end('ok');
      },
    },
  );
});

afterAll(async () => {
  await site.close();
  for (const server of [endpoint, broken]) {
    server.closeAllConnections();
    server.close();
  }
});

test('an active token is accepted and removed; the endpoint is asked once, as RFC 7662 says', async () => {
  const forged = ['Host', 'a', 'Authorization', 'Bearer alice', 'x-user', 'root', 'X_User', 'root'];
  expect((await site.get('/plain', forged)).statusCode).toBe(200);
  expect(site.seen.headers).toMatchObject({ 'x-user': 'alice', 'x-tenant': 'blue' });
  expect(site.seen.headers).not.toHaveProperty('authorization');
  expect(JSON.stringify(site.seen.headers)).not.toContain('root');
  expect(await site.status('/plain', bearer('alice'))).toBe(200);
  const authorization = `Basic ${Buffer.from('weir%3A1:p%40ss+word%2B7').toString('base64')}`;
  expect(asked.filter(({ token }) => token === 'alice')).toEqual([
    { authorization, type: 'application/x-www-form-urlencoded', token: 'alice', hint: 'access_token' },
  ]);
});

test('a request without a token gets the plain challenge, and the endpoint no question', async () => {
  const before = asked.length;
  const { statusCode, headers } = await site.get('/plain', {});
  expect([statusCode, headers['www-authenticate'], asked.length]).toEqual([401, 'Bearer', before]);
});

test('a token that is not active is refused, with one event for each request and one question', async () => {
  const events = (): number => site.output.split('the token is not active').length - 1;
  for (const times of [1, 2]) {
    expect(await challengesOf('/plain', 'revoked')).toEqual(INVALID);
    await until(() => events() >= times, 'the event');
    expect(events()).toBe(times);
  }
  expect(questionsAbout('revoked')).toBe(1);
});

test('a token that is revoked is refused once the memory has forgotten it', async () => {
  answers.set('brief', JSON.stringify(ALICE));
  expect(await site.status('/fresh', bearer('brief'))).toBe(200);
  answers.delete('brief');
  expect(await challengesOf('/fresh', 'brief')).toEqual(INVALID);
});

test('a token is not accepted longer than it is valid, also by the memory', async () => {
  answers.set('short', JSON.stringify({ ...ALICE, exp: Math.ceil(Date.now() / 1_000) + 2 }));
  let status = await site.status('/plain', bearer('short'));
  expect(status).toBe(200);
  while (status === 200) status = await site.status('/plain', bearer('short'));
  expect([status, Date.now() >= (JSON.parse(answers.get('short') ?? '') as { exp: number }).exp * 1_000]).toEqual([401, true]);
});

test('requests at the same time ask once', async () => {
  answers.set('together', JSON.stringify(ALICE));
  const statuses = await Promise.all(Array.from({ length: 10 }, () => site.status('/plain', bearer('together'))));
  expect([new Set(statuses), questionsAbout('together')]).toEqual([new Set([200]), 1]);
});

test('an endpoint at a backend is asked like one at a URL', async () => {
  while ((await site.status('/backend', bearer('alice'))) !== 200);
  expect(site.seen.headers['x-user']).toBe('alice');
  expect(await challengesOf('/backend', 'unknown')).toEqual(INVALID);
});

test('a token in the query with characters of forms stays one token', async () => {
  answers.set('a&token=b +%', JSON.stringify(ALICE));
  expect(await site.status(`/query?token=${encodeURIComponent('a&token=b +%')}`)).toBe(200);
  expect(await site.status(`/query?token=${encodeURIComponent('a\nb')}`)).toBe(401);
});

test('a Consumer gives its name if the policy names the issuer', async () => {
  answers.set('carol', JSON.stringify({ active: true, sub: 'carol-id', iss: 'https://issuer.test' }));
  expect(await site.status('/issuer', bearer('carol'))).toBe(200);
  expect(site.seen.headers['x-user']).toBe('carol');
  expect(await site.status('/plain', bearer('carol'))).toBe(200);
  expect(site.seen.headers['x-user']).toBe('carol-id');
});

test('a token without a scope gets 403 and the error insufficient_scope', async () => {
  answers.set('poor', JSON.stringify({ ...ALICE, scope: 'write' }));
  expect(await challengesOf('/strict', 'poor')).toEqual([403, 'Bearer error="insufficient_scope", scope="read"']);
  expect(await site.status('/strict', bearer('alice'))).toBe(200);
});

describe('an active token is refused with', () => {
  test.each<[string, object, string?]>([
    ['another audience', { aud: 'web' }],
    ['no audience', { aud: undefined }],
    ['another value of a required claim', { tenant: 'red' }],
    ['an expiry in the past', { exp: NOW - 1 }],
    ['an expiry that is a text', { exp: String(NOW + 60) }],
    ['no subject', { sub: undefined }],
    ['a subject that is an object', { sub: { name: 'alice' } }],
    ['the type of bound tokens', { token_type: 'DPoP' }],
    ['the type of refresh tokens', { token_type: 'refresh_token' }],
    ['the use of refresh tokens', { token_use: 'refresh_token' }],
    ['the kind of refresh tokens', { typ: 'Refresh' }],
    ['another issuer', { iss: 'https://other.test' }, '/issuer'],
  ])('%s', async (name, change, url = '/strict') => {
    answers.set(name, JSON.stringify({ ...ALICE, ...change }));
    expect(await challengesOf(url, name)).toEqual(INVALID);
    expect(questionsAbout(name)).toBe(1);
  });

  test('more characters than it may have', async () => {
    const before = asked.length;
    expect(await challengesOf('/plain', 'x'.repeat(4_097))).toEqual(INVALID);
    expect(asked).toHaveLength(before);
  });
});

describe('nothing passes, and the answer is 503, if the endpoint', () => {
  test.each([
    ['fails', '500'],
    ['refuses the proxy', '401'],
    ['answers with another success', '202'],
    ['redirects', 'redirect'],
    ['sends no JSON', 'active'],
    ['sends a list', '[true]'],
    ['does not say whether the token is active', '{"sub":"alice"}'],
    ['says it as a text', '{"active":"true","sub":"alice"}'],
    ['says it as a number', '{"active":1,"sub":"alice"}'],
    ['says both', '{"active":false,"active":true,"sub":"alice"}'],
    ['sends another prototype', '{"__proto__":{"active":true},"sub":"alice"}'],
    ['sends too much', 'huge'],
    ['never answers', 'never'],
  ])('%s', async (_, token) => {
    expect(await challengesOf('/broken', token)).toEqual([503, undefined]);
  });

  test('is away', async () => {
    expect(await challengesOf('/away', 'alice')).toEqual([503, undefined]);
    await until(() => site.output.includes('"authentication_unavailable"'), 'the event');
  });
});

test('neither tokens nor the secret are in the logs', () => {
  expect(site.output).toContain('"security"');
  expect(site.output).not.toMatch(/alice|p@ss|p%40ss|revoked/);
});
