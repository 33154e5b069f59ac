// HTTP message signatures as clients and backends see them, and the attacks on them: `weir up` with a folder.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, sign } from 'node:crypto';
import { ProtectedApp, type AppRequest } from '../support/protected-app.ts';
import { ALICE, digestOf, hmacOf, SECRET, seconds, signatureHeaders, type ToSign } from '../support/signed-request.ts';

const ED25519 = generateKeyPairSync('ed25519', {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const RSA = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

function indented(pem: string): string {
  return pem.trim().replaceAll('\n', '\n          ');
}

const MANIFEST = `${ALICE}apiVersion: gateway.weir.dev/v1alpha1
kind: Consumer
metadata: { name: bob, namespace: default }
spec:
  credentials:
    - publicKey:
        keyId: bob
        pem: |
          ${indented(ED25519.publicKey)}
    - publicKey:
        keyId: rsa
        pem: |
          ${indented(RSA.publicKey)}
---
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: app, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  authentication: { signature: { components: [x-account], maxAge: 1m, maxBodyBytes: 1Ki } }
  headersToBackend: [{ name: x-caller, value: principal.id }]
`;

let app: ProtectedApp;

beforeAll(async () => {
  app = await ProtectedApp.open(MANIFEST);
});
afterAll(() => app.close());

const BODY = '{"amount":1}';

function components(more: Record<string, string> = {}): Record<string, string> {
  return { '@method': 'POST', '@authority': 'shop.example', '@path': '/pay', 'content-digest': digestOf(BODY), 'x-account': '7', ...more };
}

let count = 0;

/** A request with a right signature of alice. Each has another nonce. */
function signed(change: Partial<ToSign> = {}, request: AppRequest = {}): AppRequest & { headers: Record<string, string> } {
  const more = change.more ?? `;nonce="${++count}"`;
  const signature = signatureHeaders({ components: components(), keyId: 'alice', sign: hmacOf(SECRET), ...change, more });
  const own = { host: 'shop.example', 'x-account': '7', 'content-digest': digestOf(BODY), 'content-length': String(BODY.length) };
  return { method: 'POST', url: '/pay', body: BODY, ...request, headers: { ...own, ...signature, ...(request.headers as object) } };
}

async function refusal(request: AppRequest): Promise<unknown> {
  const before = app.seen.length;
  const { statusCode, text } = await app.ask(request);
  expect(app.seen.length).toBe(before);
  return [statusCode, (JSON.parse(text) as { code: string }).code];
}

const FAILED = [401, 'authentication_failed'];

describe('a signature is accepted, and removed,', () => {
  test.each<[string, Partial<ToSign>, string]>([
    ['of an HMAC secret', {}, 'alice'],
    ['that names its algorithm', { more: ';alg="hmac-sha256";nonce="named"' }, 'alice'],
    ['of Ed25519', { keyId: 'bob', sign: (base) => sign(null, base, ED25519.privateKey) }, 'bob'],
    ['of RSA-PSS', { keyId: 'rsa', sign: (base) => sign('sha512', base, { key: RSA.privateKey, padding: 6, saltLength: 64 }) }, 'bob'],
    ['that has an end', { more: `;expires=${seconds(60)};nonce="end"` }, 'alice'],
    ['of a clock that is a little ahead', { created: seconds(20) }, 'alice'],
  ])('%s', async (_, change, caller) => {
    expect(await app.status(signed(change))).toBe(200);
    expect(app.last).toMatchObject({ body: BODY, headers: { 'x-caller': caller } });
    expect(Object.keys(app.last.headers).filter((name) => name.startsWith('signature'))).toEqual([]);
  });

  test('of a request without a body, with the whole target', async () => {
    const covered = { '@method': 'GET', '@target-uri': 'http://shop.example/a?b=1', 'x-account': '7' };
    const headers = {
      host: 'shop.example',
      'x-account': '7',
      ...signatureHeaders({ components: covered, keyId: 'alice', sign: hmacOf(SECRET) }),
    };
    expect(await app.status({ url: '/a?b=1', headers })).toBe(200);
  });
});

test('a request without a signature gets 401 and the challenge', async () => {
  const { statusCode, headers } = await app.ask({});
  expect([statusCode, headers['www-authenticate']]).toEqual([401, 'Signature']);
});

/** Covers all but one component. */
function without(name: string): Partial<ToSign> {
  return { components: Object.fromEntries(Object.entries(components()).filter(([key]) => key !== name)) };
}

describe('is refused: a signature', () => {
  test.each<[string, Partial<ToSign>]>([
    ['of another secret', { sign: hmacOf('another-secret-0123456789') }],
    ['of an unknown key', { keyId: 'eve' }],
    ['of nothing', { sign: () => Buffer.alloc(0) }],
    ['of the public key as a secret', { keyId: 'bob', sign: hmacOf(ED25519.publicKey) }],
    ['of the public key as a secret, by its name', { keyId: 'bob', sign: hmacOf(ED25519.publicKey), more: ';alg="hmac-sha256"' }],
    ['of an empty secret', { sign: hmacOf('') }],
    [
      'with an algorithm that is not allowed',
      { keyId: 'rsa', sign: (base) => sign('sha256', base, RSA.privateKey), more: ';alg="rsa-v1_5-sha256"' },
    ],
    ['with that algorithm under no name', { keyId: 'rsa', sign: (base) => sign('sha256', base, RSA.privateKey) }],
    [
      'with that algorithm under another name',
      { keyId: 'rsa', sign: (base) => sign('sha256', base, RSA.privateKey), more: ';alg="rsa-pss-sha512"' },
    ],
    ['with the algorithm of another key', { more: ';alg="ed25519"' }],
    ['with the algorithm none', { more: ';alg="none"' }],
    ['with an algorithm that is a token', { more: ';alg=hmac-sha256' }],
    ['without the method', without('@method')],
    ['without the host', without('@authority')],
    ['without the path', without('@path')],
    ['without the digest of the body', without('content-digest')],
    ['without a component of the policy', without('x-account')],
    ['of a field with another reading', { components: { ...without('x-account').components, '"x-account";bs': ':Nw==:' } }],
    ['that claims another method', { components: components({ '@method': 'GET' }) }],
    ['that claims another host', { components: components({ '@authority': 'other.example' }) }],
    ['that claims another path', { components: components({ '@path': '/refund' }) }],
    ['that was made too long ago', { created: seconds(-120) }],
    ['of the future', { created: seconds(120) }],
    ['without a time', { created: null }],
    ['with a time that is a text', { created: null, more: `;created="${seconds()}"` }],
    ['with two times', { more: `;created=${seconds()}` }],
    ['that has expired', { more: `;expires=${seconds(-60)}` }],
    ['with many parameters', { more: ';a=1'.repeat(40) }],
    ['with a huge parameter', { more: `;a="${'x'.repeat(5_000)}"` }],
    ['of many components', { components: components(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x-${i}`, '']))) }],
    ['of a component that the request lacks', { components: components({ 'x-missing': '' }) }],
    ['of a component of answers', { components: components({ '@status': '200' }) }],
  ])('%s', async (_, change) => {
    expect(await refusal(signed(change))).toEqual(FAILED);
  });
});

describe('is refused: a request that changed after it was signed,', () => {
  test.each<[string, AppRequest]>([
    ['another body', { body: '{"amount":9}' }],
    ['another method', { method: 'PUT' }],
    ['another path', { url: '/pay/all' }],
    ['a path in other case', { url: '/Pay' }],
    ['a query', { url: '/pay?to=eve' }],
    ['an empty query', { url: '/pay?' }],
    ['another host', { headers: { host: 'other.example' } }],
    ['another value', { headers: { 'x-account': '8' } }],
    ['another digest and body', { body: '{"amount":9}', headers: { 'content-digest': digestOf('{"amount":9}') } }],
    ['a second digest', { headers: { 'content-digest': `${digestOf(BODY)}, sha-512=:AA==:` } }],
    ['no digest', { headers: { 'content-digest': '' } }],
  ])('%s', async (_, request) => {
    expect(await refusal(signed({}, request))).toEqual(FAILED);
  });

  test('a second line of a signed field', async () => {
    const { headers, ...request } = signed();
    expect(await refusal({ ...request, headers: [...Object.entries(headers).flat(), 'X-Account', '8'] })).toEqual(FAILED);
  });
});

describe('is refused: a request', () => {
  test('with the same signature again, also with the same nonce and another time', async () => {
    const request = signed({ more: ';nonce="once"' });
    expect(await app.status(request)).toBe(200);
    expect(await refusal(request)).toEqual(FAILED);
    expect(await refusal(signed({ created: seconds(-5), more: ';nonce="once"' }))).toEqual(FAILED);
    const plain = signed({ more: '' });
    expect(await app.status(plain)).toBe(200);
    expect(await refusal(plain)).toEqual(FAILED);
  });

  test('with only one of the two fields', async () => {
    for (const name of ['signature', 'signature-input']) {
      const { headers, ...request } = signed();
      expect(await refusal({ ...request, headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) })).toEqual(
        FAILED,
      );
    }
  });

  test('with two signatures, a label twice or labels that differ', async () => {
    const mine = signatureHeaders({ components: components(), keyId: 'alice', sign: hmacOf(SECRET) });
    const other = signatureHeaders({ components: {}, keyId: 'alice', sign: hmacOf('eve'), label: 'other' });
    const again = signatureHeaders({ components: {}, keyId: 'alice', sign: hmacOf('eve') });
    for (const second of [other, again]) {
      const both = {
        'signature-input': `${mine['signature-input']}, ${second['signature-input']}`,
        signature: `${mine.signature}, ${second.signature}`,
      };
      expect(await refusal(signed({}, { headers: both }))).toEqual(FAILED);
    }
    expect(await refusal(signed({}, { headers: { ...mine, signature: (mine.signature as string).replace('sig=', 'gis=') } }))).toEqual(
      FAILED,
    );
  });

  test('with a body that is larger than the limit', async () => {
    const body = 'x'.repeat(2_000);
    const headers = { 'content-digest': digestOf(body), 'content-length': '2000' };
    const request = { components: components({ 'content-digest': digestOf(body) }) };
    expect(await refusal(signed(request, { body, headers }))).toEqual(FAILED);
  });

  test('with nested lists', async () => {
    expect(await refusal(signed({}, { headers: { 'signature-input': `sig=${'('.repeat(4_000)}` } }))).toEqual(FAILED);
  });

  test('of unknown length without a signed digest', async () => {
    const request = signed(without('content-digest'), { headers: { 'transfer-encoding': 'chunked' } });
    const { 'content-length': _, ...headers } = request.headers;
    expect(await refusal({ ...request, headers })).toEqual(FAILED);
  });
});

test('a disabled consumer is refused at once', async () => {
  const manifest = (disabled: boolean): string => `
apiVersion: gateway.weir.dev/v1alpha1
kind: Consumer
metadata: { name: carol, namespace: default }
spec: { disabled: ${disabled}, credentials: [{ hmac: { keyId: carol, secretRef: { name: alice }, key: secret } }] }
`;
  app.write('carol.yaml', manifest(false));
  while ((await app.status(signed({ keyId: 'carol' }))) !== 200);
  app.write('carol.yaml', manifest(true));
  while ((await app.status(signed({ keyId: 'carol' }))) !== 401);
});
