// Signed tokens against real key servers: `weir up` with a folder, and every attack on tokens that is known.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../support/until.ts';
import { consumer, FolderSite, protectedRoute, secret } from '../support/folder-site.ts';

const ISSUER = 'https://issuer.test';
const NOW = Math.floor(Date.now() / 1_000);
const SECRET = 's'.repeat(32);

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const foreign = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const late = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;

function jwk(key: KeyObject, fields: object): object {
  return { ...key.export({ format: 'jwk' }), ...fields };
}

const keys: object[] = [
  jwk(rsa.publicKey, { kid: 'r1', alg: 'RS256', use: 'sig' }),
  jwk(ec.publicKey, { kid: 'e1' }),
  jwk(ed.publicKey, { kid: 'd1' }),
  jwk(foreign.publicKey, { kid: 'twice', alg: 'RS256' }),
  jwk(rsa.publicKey, { kid: 'twice', alg: 'RS256' }),
  jwk(foreign.publicKey, { kid: 'encryption', use: 'enc' }),
];

let site: FolderSite;
let server: http.Server;
let asked = 0;

type Part = object | string;

function encoded(part: Part): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

const CLAIMS = {
  iss: ISSUER,
  sub: 'alice',
  aud: 'api',
  exp: NOW + 3_600,
  iat: NOW,
  scope: 'read write',
  tenant: 'blue',
  groups: ['staff'],
};

function claims(more: object = {}): object {
  return { ...CLAIMS, ...more };
}

function signed(header: Part, payload: Part, signature: (text: Buffer) => Buffer): string {
  const text = `${encoded(header)}.${encoded(payload)}`;
  return `${text}.${signature(Buffer.from(text)).toString('base64url')}`;
}

function rs256(payload: Part = CLAIMS, header: Part = { alg: 'RS256', kid: 'r1' }, key = rsa.privateKey): string {
  return signed(header, payload, (text) => sign('sha256', text, key));
}

function es256(header: Part = { alg: 'ES256', kid: 'e1' }): string {
  return signed(header, CLAIMS, (text) => sign('sha256', text, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }));
}

function hs256(key: string, payload: Part = CLAIMS): string {
  return signed({ alg: 'HS256', kid: 'r1' }, payload, (text) => createHmac('sha256', key).update(text).digest());
}

function bearer(token: string): http.OutgoingHttpHeaders {
  return { authorization: `Bearer ${token}` };
}

async function challengesOf(url: string, headers: http.OutgoingHttpHeaders | readonly string[]): Promise<readonly unknown[]> {
  const { statusCode, headers: answer } = await site.get(url, headers);
  return [statusCode, answer['www-authenticate']];
}

const INVALID = [401, 'Bearer error="invalid_token"'];

beforeAll(async () => {
  server = http.createServer((_, response) => {
    asked++;
    response.end(JSON.stringify({ keys }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const jwtOf = (provider: object, more: object = {}) => ({
    authentication: { jwt: { providers: [{ issuer: ISSUER, ...provider }], ...more } },
  });
  const claimsToHeaders = [
    { claim: 'tenant', header: 'x-tenant' },
    { claim: 'groups', header: 'x-groups' },
  ];
  const headersToBackend = [{ name: 'x-user', value: 'principal.id' }];
  const other = { issuer: 'https://other.test', jwks: { keys: { secretRef: { name: 'keys' }, key: 'pem' } }, name: 'other' };
  const two = { authentication: { jwt: { providers: [{ issuer: ISSUER, jwks: { uri } }, other] } }, headersToBackend };
  site = await FolderSite.open(
    [
      secret('keys', { pem: PEM, shared: SECRET }),
      consumer('alice', { plan: 'gold', credentials: [{ jwt: { issuer: ISSUER, claim: 'sub', value: 'alice' } }] }),
      ...protectedRoute('uri', { ...jwtOf({ audiences: ['api'], jwks: { uri } }, { claimsToHeaders }), headersToBackend }),
      ...protectedRoute('pem', jwtOf({ jwks: { keys: { secretRef: { name: 'keys' }, key: 'pem' } }, algorithms: ['RS256'] })),
      ...protectedRoute('shared', jwtOf({ jwks: { secret: { secretRef: { name: 'keys' }, key: 'shared' } } })),
      ...protectedRoute(
        'backend',
        jwtOf({ jwks: { backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }, path: '/keys' } }),
      ),
      ...protectedRoute('scopes', jwtOf({ jwks: { uri }, scopes: ['write', 'admin'] })),
      ...protectedRoute('claims', jwtOf({ jwks: { uri }, requiredClaims: [{ name: 'tenant', values: ['red', 'blue'] }, { name: 'sub' }] })),
      ...protectedRoute('away', jwtOf({ jwks: { uri: 'http://127.0.0.1:1/keys' } })),
      ...protectedRoute('query', jwtOf({ jwks: { uri } }, { from: [{ query: 'token' }, { cookie: 'token' }], forward: true })),
      ...protectedRoute('two', two),
    ],
    { respond: (request, response) => void response.end(request.url === '/keys' ? JSON.stringify({ keys }) : 'ok') },
  );
  while ((await site.status('/uri', bearer(rs256()))) !== 200);
});

afterAll(async () => {
  await site.close();
  server.closeAllConnections();
  server.close();
});

describe('a token is accepted', () => {
  test.each([
    ['with RS256', '/uri', rs256()],
    ['with ES256', '/uri', es256()],
    ['with EdDSA', '/uri', signed({ alg: 'EdDSA', kid: 'd1' }, CLAIMS, (text) => sign(null, text, ed.privateKey))],
    ['without a key id', '/uri', rs256(CLAIMS, { alg: 'RS256' })],
    ['with an id that two keys have', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'twice' })],
    ['for several audiences', '/uri', rs256(claims({ aud: ['web', 'api'] }))],
    ['with the type of access tokens', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'r1', typ: 'at+JWT' })],
    [
      'with keys that it brings, which are ignored',
      '/uri',
      rs256(CLAIMS, { alg: 'RS256', kid: 'r1', jku: 'http://evil.test', jwk: jwk(foreign.publicKey, {}) }),
    ],
    ['of a key in a Secret', '/pem', rs256(CLAIMS, { alg: 'RS256', kid: 'unknown' })],
    ['of a shared secret', '/shared', hs256(SECRET)],
    ['with the required claims', '/claims', rs256()],
  ])('%s', async (_, url, token) => {
    expect(await site.status(url, bearer(token))).toBe(200);
  });

  test('that has just expired, within the skew of the clocks', async () => {
    expect(await site.status('/uri', bearer(rs256(claims({ exp: Math.floor(Date.now() / 1_000) - 1 }))))).toBe(200);
  });

  test('of keys at a backend', async () => {
    while ((await site.status('/backend', bearer(rs256()))) !== 200);
  });

  test('of a consumer, whose name goes to the backend with the claims, and nothing that the client says', async () => {
    const forged = ['x-user', 'root', 'X_User', 'root', 'x-tenant', 'root', 'X_Tenant', 'root', 'x_groups', 'root'];
    const response = await site.get('/uri', ['Host', 'a', 'Authorization', `Bearer ${rs256()}`, ...forged]);
    expect(response.statusCode).toBe(200);
    expect(site.seen.headers).toMatchObject({ 'x-user': 'alice', 'x-tenant': 'blue', 'x-groups': 'staff' });
    expect(site.seen.headers).not.toHaveProperty('authorization');
    expect(JSON.stringify(site.seen.headers)).not.toContain('root');
  });

  test('of two issuers, as different callers', async () => {
    expect(await site.status('/two', bearer(rs256(claims({ sub: 'bob' }))))).toBe(200);
    expect(site.seen.headers['x-user']).toBe(`${ISSUER}:bob`);
    expect(await site.status('/two', bearer(rs256(claims({ iss: 'https://other.test', sub: 'bob' }))))).toBe(200);
    expect(site.seen.headers['x-user']).toBe('other:bob');
  });

  test('in the query or a cookie, and forwarded if the policy says so', async () => {
    expect(await site.status(`/query?token=${rs256()}`)).toBe(200);
    expect(site.seen.url).toContain('token=');
    expect(await site.status('/query', { cookie: `token=${rs256()}` })).toBe(200);
  });
});

describe('an attack gets 401 with the error invalid_token:', () => {
  const none = `${encoded({ alg: 'none' })}.${encoded(CLAIMS)}.`;
  const [head = '', body = '', mark = ''] = rs256().split('.');
  const zeros = (size: number) => signed({ alg: 'ES256', kid: 'e1' }, CLAIMS, () => Buffer.alloc(size));
  const raw = (payload: string) => rs256(payload);
  const text = JSON.stringify(CLAIMS);
  test.each([
    ['no algorithm', '/uri', none],
    ['no algorithm with the signature of another token', '/uri', `${encoded({ alg: 'none', kid: 'r1' })}.${body}.${mark}`],
    ['no algorithm in another case', '/uri', `${encoded({ alg: 'nOnE' })}.${body}.${mark}`],
    ['the algorithm in another case', '/uri', rs256(CLAIMS, { alg: 'rs256', kid: 'r1' })],
    ['the public key as a shared secret', '/uri', hs256(PEM)],
    ['the public key as a shared secret, of a key in PEM', '/pem', hs256(PEM)],
    ['RS256 where a secret is shared', '/shared', rs256()],
    ['another secret', '/shared', hs256('t'.repeat(32))],
    ['an algorithm that the policy leaves out', '/pem', signed({ alg: 'PS256' }, CLAIMS, (data) => sign('sha256', data, rsa.privateKey))],
    [
      'an algorithm other than that of the key',
      '/uri',
      signed({ alg: 'RS512', kid: 'r1' }, CLAIMS, (data) => sign('sha512', data, rsa.privateKey)),
    ],
    ['the key of another algorithm', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'e1' })],
    ['the key id of another key', '/uri', es256({ alg: 'ES256', kid: 'd1' })],
    ['a foreign key', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'r1' }, foreign.privateKey)],
    [
      'a foreign key in the header',
      '/uri',
      rs256(CLAIMS, { alg: 'RS256', jwk: jwk(foreign.publicKey, { kid: 'x' }), kid: 'r1' }, foreign.privateKey),
    ],
    ['a key for encryption', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'encryption' }, foreign.privateKey)],
    ['a key id that is a path', '/uri', rs256(CLAIMS, { alg: 'HS256', kid: '../../dev/null' })],
    ['a key id that is SQL', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: "x' UNION SELECT 'k" }, foreign.privateKey)],
    ['a key id that is no text', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: ['r1'] })],
    ['a huge key id', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'k'.repeat(300) })],
    ['__proto__ as the key id', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: '__proto__' }, foreign.privateKey)],
    ['a critical extension', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'r1', crit: ['exp'] })],
    ['an unencoded payload', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'r1', b64: false })],
    ['a nested token', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'r1', cty: 'JWT' })],
    ['a token for another purpose', '/uri', rs256(CLAIMS, { alg: 'RS256', kid: 'r1', typ: 'logout+jwt' })],
    ['an encrypted token', '/uri', `${encoded({ alg: 'RSA-OAEP', enc: 'A128GCM' })}.a.b.c.d`],
    ['a signature of zeros', '/uri', zeros(64)],
    ['an empty signature', '/uri', `${head}.${body}.`],
    ['a signature in DER', '/uri', signed({ alg: 'ES256', kid: 'e1' }, CLAIMS, (data) => sign('sha256', data, ec.privateKey))],
    ['a signature of another size', '/uri', zeros(63)],
    ['a changed payload', '/uri', `${head}.${encoded(claims({ sub: 'root' }))}.${mark}`],
    ['base64 with padding', '/uri', `${head}==.${body}.${mark}`],
    ['base64 in another spelling', '/uri', `${head}.${body}.${mark.slice(0, -1)}${mark.endsWith('A') ? 'B' : 'A'}`],
    ['characters outside base64url', '/uri', `${head}.${body}.${mark.slice(0, -1)}+`],
    ['a fourth part', '/uri', `${head}.${body}.${mark}.${mark}`],
    ['a claim twice', '/uri', raw(text.replace('{', '{"sub":"root",'))],
    ['a claim twice, once escaped', '/uri', raw(text.replace('{', String.raw`{"s\u0075b":"root",`))],
    ['__proto__ as a claim', '/uri', raw(text.replace('{', '{"__proto__":{"admin":true},'))],
    ['__proto__ within a claim', '/uri', raw(text.replace('{', '{"a":[{"__proto__":{}}],'))],
    ['a header member twice', '/uri', rs256(CLAIMS, '{"alg":"none","alg":"RS256","kid":"r1"}')],
    ['claims that are a list', '/uri', rs256([CLAIMS])],
    ['claims that are no JSON', '/uri', raw('{')],
    ['an expired token', '/uri', rs256(claims({ exp: NOW - 60 }))],
    ['no expiry', '/uri', rs256(claims({ exp: undefined }))],
    ['an expiry that is a text', '/uri', rs256(claims({ exp: String(NOW + 60) }))],
    ['a token that is not valid yet', '/uri', rs256(claims({ nbf: NOW + 600 }))],
    ['a token of the future', '/uri', rs256(claims({ iat: NOW + 600 }))],
    ['another audience', '/uri', rs256(claims({ aud: 'web' }))],
    ['an audience with a prefix', '/uri', rs256(claims({ aud: 'api2' }))],
    ['no audience', '/uri', rs256(claims({ aud: undefined }))],
    ['another issuer', '/uri', rs256(claims({ iss: `${ISSUER}/` }))],
    ['no issuer', '/uri', rs256(claims({ iss: undefined }))],
    ['an issuer that is a list', '/uri', rs256(claims({ iss: [ISSUER] }))],
    ['no subject', '/claims', rs256(claims({ sub: undefined }))],
    ['another value of a required claim', '/claims', rs256(claims({ tenant: 'green' }))],
    ['a huge token', '/uri', rs256(claims({ fill: 'x'.repeat(9_000) }))],
    ['deep nesting', '/uri', raw(text.replace('{', `{"a":${'['.repeat(100)}${']'.repeat(100)},`))],
  ])('%s', async (_, url, token) => {
    expect(await challengesOf(url, bearer(token))).toEqual(INVALID);
  });

  test('two Authorization headers', async () => {
    const line = `Bearer ${rs256()}`;
    expect(await challengesOf('/uri', ['Host', 'a', 'Authorization', line, 'Authorization', line])).toEqual(INVALID);
  });
});

test('a request without a token gets the plain challenge', async () => {
  expect(await challengesOf('/uri', {})).toEqual([401, 'Bearer']);
  expect(await challengesOf('/uri', { authorization: 'Basic YTpi' })).toEqual([401, 'Bearer']);
});

/** The events of requests at a route. */
function eventsAt(route: string): readonly unknown[] {
  const lines = site.output.split('\n').filter((line) => line.includes(`HTTPRoute/default/${route}/0`) && line.includes('"security"'));
  return lines.map((line) => (JSON.parse(line) as { event: unknown }).event);
}

test('a token without a scope gets 403, the error insufficient_scope and one event', async () => {
  for (const times of [1, 2]) {
    expect(await challengesOf('/scopes', bearer(rs256()))).toEqual([403, 'Bearer error="insufficient_scope", scope="write admin"']);
    await until(() => eventsAt('scopes').length >= times, 'the event');
  }
  expect(eventsAt('scopes')).toEqual(['access_denied', 'access_denied']);
  expect(await site.status('/scopes', bearer(rs256(claims({ scope: 'admin write' }))))).toBe(200);
});

test('a forged token without a scope says nothing about scopes', async () => {
  const forged = rs256(claims({ jti: 'forged' }), { alg: 'RS256', kid: 'r1' }, foreign.privateKey);
  expect(await challengesOf('/scopes', bearer(forged))).toEqual(INVALID);
});

test('without keys the answer is 503, and unknown keys cause no flood of questions', async () => {
  expect(await site.status('/away', bearer(rs256()))).toBe(503);
  const before = asked;
  for (let i = 0; i < 20; i++) await site.status('/uri', bearer(rs256(CLAIMS, { alg: 'RS256', kid: `new ${i}` })));
  expect(asked - before).toBeLessThanOrEqual(2);
});

test('a new key is found by the first token of it, and a server that is away changes nothing', async () => {
  keys.push(jwk(late.publicKey, { kid: 'late' }));
  const token = rs256(CLAIMS, { alg: 'RS256', kid: 'late' }, late.privateKey);
  while ((await site.status('/uri', bearer(token))) !== 200);
  server.closeAllConnections();
  server.close();
  expect(await site.status('/uri', bearer(token))).toBe(200);
  expect(await site.status('/uri', bearer(rs256(claims({ jti: 'another' }), { alg: 'RS256', kid: 'late' }, late.privateKey)))).toBe(200);
  expect(await challengesOf('/uri', bearer(rs256(CLAIMS, { alg: 'RS256', kid: 'unknown' })))).toEqual(INVALID);
});
