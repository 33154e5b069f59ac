// Signatures of requests to backends: a backend verifies them with node:crypto alone, and Weir itself with the authenticator `signature`.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { constants, createHash, createHmac, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { consumer, FolderSite, protectedRoute, secret } from '../support/folder-site.ts';
import { gateway } from '../support/objects.ts';
import { until } from '../support/until.ts';

const SECRET = 'a shared secret of the backend\n';
const ed = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** By key id: whether a signature is that of the key. */
const VERIFIERS: Readonly<Record<string, (base: Buffer, signature: Buffer) => boolean>> = {
  hmac: (base, signature) => createHmac('sha256', SECRET).update(base).digest().equals(signature),
  ed25519: (base, signature) => verify(null, base, ed.publicKey, signature),
  ec: (base, signature) => verify('sha256', base, { key: ec.publicKey, dsaEncoding: 'ieee-p1363' }, signature),
  rsa: (base, signature) =>
    verify('sha512', base, { key: rsa.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }, signature),
};

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

let site: FolderSite;
const seen: Seen[] = [];

function last(): Seen {
  const request = seen.at(-1);
  if (request === undefined) throw new Error('the backend got no request');
  return request;
}

async function respond(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
  response.end('ok');
}

type Groups = readonly [string, string, string];

/** The groups of a pattern; '' for those that are not there. */
function groupsOf(pattern: string, text = ''): Groups {
  const [, first = '', second = '', third = ''] = new RegExp(pattern).exec(text) ?? [];
  return [first, second, third];
}

function derivedOf({ method, url, headers: { host = '' } }: Seen): Record<string, string> {
  const [path = '', query = ''] = url.split('?');
  return { '@method': method, '@authority': host, '@path': path, '@query': `?${query}` };
}

/** The parts of a signature that is right for this request, found without code of the proxy. */
function verified(request: Seen, label = 'weir'): { readonly names: readonly string[]; readonly parameters: string } {
  const fields = request.headers as Record<string, string>;
  const [params, list, parameters] = groupsOf(`^${label}=(\\(([^)]*)\\)(.*))$`, fields['signature-input']);
  const [bytes] = groupsOf(`^${label}=:([^:]*):$`, fields['signature']);
  const names = list.split(' ').map((name) => name.slice(1, -1));
  const values = { ...fields, ...derivedOf(request) };
  const base = Buffer.from(`${names.map((name) => `"${name}": ${values[name]}\n`).join('')}"@signature-params": ${params}`);
  const [keyId] = groupsOf(';keyid="([^"]*)"', parameters);
  expect(VERIFIERS[keyId]?.(base, Buffer.from(bytes, 'base64'))).toBe(true);
  return { names, parameters };
}

function digestOf(body: string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

async function post(url: string, body: string, headers: http.OutgoingHttpHeaders | readonly string[] = {}): Promise<number | undefined> {
  const request = http.request({ host: '127.0.0.1', port: site.port, method: 'POST', path: url, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(response.resume(), 'end');
  return response.statusCode;
}

function key(name: string, entry = name): object {
  return { keyId: name, key: { secretRef: { name: 'keys' }, key: entry } };
}

function keys(more: Readonly<Record<string, string>> = {}): object {
  const own = { hmac: SECRET, ed25519: pem(ed.privateKey), ec: pem(ec.privateKey), rsa: pem(rsa.privateKey), short: 'short' };
  return secret('keys', { ...own, public: rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string, ...more });
}

/** A route to Weir itself: its backend writes another path and host, and the route of that host verifies the signature. */
function loop(port: number): readonly object[] {
  const self = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name: 'self' } };
  const urlRewrite = { hostname: 'inner.example', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/inner' } };
  const backend = { group: 'gateway.weir.dev', kind: 'Backend', name: 'self', filters: [{ type: 'URLRewrite', urlRewrite }] };
  const outer = { matches: [{ path: { type: 'PathPrefix', value: '/outer' } }], backendRefs: [backend] };
  const inner = { backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] };
  const route = (name: string, spec: object): object => ({
    ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name } },
    spec: { parentRefs: [{ name: 'gw' }], ...spec },
  });
  const policy = (name: string, spec: object): object => ({
    ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'SecurityPolicy', metadata: { name } },
    spec: { targetRefs: [{ kind: 'HTTPRoute', name }], ...spec },
  });
  return [
    { ...self, spec: { endpoints: [{ ip: '127.0.0.1', port }] } },
    route('outer', { rules: [outer] }),
    policy('outer', { requestSigning: key('ed25519') }),
    route('inner', { hostnames: ['inner.example'], rules: [inner] }),
    policy('inner', { authentication: { signature: {} }, headersToBackend: [{ name: 'x-user', value: 'principal.id' }] }),
  ];
}

beforeAll(async () => {
  let port = 0;
  const signing = (name: string, settings: object): readonly object[] => protectedRoute(name, { requestSigning: settings });
  const publicKey = { keyId: 'ed25519', pem: ed.publicKey.export({ type: 'spki', format: 'pem' }) };
  site = await FolderSite.open(
    [
      keys(),
      consumer('edge', { credentials: [{ publicKey }] }),
      ...Object.keys(VERIFIERS).flatMap((name) => signing(name, key(name))),
      ...signing('chosen', {
        ...key('hmac'),
        ...{ components: ['@method', '@path', 'x-tenant', 'x-missing', 'signature'], label: 'mine', expiresAfter: '30s' },
      }),
      ...signing('small', { ...key('hmac'), maxBodyBytes: '8' }),
      ...signing('streams', { ...key('hmac'), omitBody: true }),
      ...signing('other', { ...key('hmac'), algorithm: 'ed25519' }),
      ...signing('public', key('public')),
      ...signing('short', key('short')),
      ...signing('missing', key('missing')),
    ],
    {
      gateway: (at) => gateway('gw', [{ name: 'http', port: (port = at) }]),
      respond: (request, response) => void respond(request, response),
    },
  );
  site.write('loop', loop(port));
  while ((await site.status('/outer')) !== 200);
});

afterAll(() => site.close());

describe('the backend verifies a signature', () => {
  test.each([
    ['hmac', 'hmac-sha256'],
    ['ed25519', 'ed25519'],
    ['ec', 'ecdsa-p256-sha256'],
    ['rsa', 'rsa-pss-sha512'],
  ])('of %s', async (name, algorithm) => {
    expect(await post(`/${name}/a%20b?x=1&y=%2F`, '{"a":1}')).toBe(200);
    const { names, parameters } = verified(last());
    expect(names).toEqual(['@method', '@authority', '@path', '@query', 'content-digest']);
    expect(parameters).toMatch(new RegExp(`^;created=\\d+;nonce="[\\w-]{22}";alg="${algorithm}";keyid="${name}"$`));
    expect(last()).toMatchObject({ body: '{"a":1}', headers: { 'content-digest': digestOf('{"a":1}') } });
  });

  test('of a request without a body and without a query', async () => {
    expect(await site.status('/ed25519')).toBe(200);
    expect(verified(last()).names).toEqual(['@method', '@authority', '@path', '@query']);
    expect(last().headers).not.toHaveProperty('content-digest');
  });

  test('of the components that the policy chooses', async () => {
    expect(await post('/chosen', '', { 'x-tenant': 'blue', 'content-length': '0' })).toBe(200);
    const { names, parameters } = verified(last(), 'mine');
    expect(names).toEqual(['@method', '@path', 'x-tenant']);
    const [, created, expires] = /;created=(\d+);expires=(\d+);/.exec(parameters) ?? [];
    expect(Number(expires) - Number(created)).toBe(30);
  });
});

test('the fields of the client are replaced', async () => {
  const forged = ['Signature-Input', 'weir=();keyid="hmac"', 'Signature', 'weir=:AAAA:', 'Content-Digest', 'sha-256=:AAAA:'];
  expect(await post('/hmac', 'body', ['Host', 'a', 'Content-Length', '4', ...forged, ...forged])).toBe(200);
  verified(last());
  expect(last().headers['content-digest']).toBe(digestOf('body'));
});

test('a body beyond the limit gets 413 and an event, and the backend nothing', async () => {
  expect(await post('/small', '12345678')).toBe(200);
  const before = seen.length;
  expect([await post('/small', '123456789'), await post('/small', '123456789', { 'transfer-encoding': 'chunked' })]).toEqual([413, 413]);
  expect(seen).toHaveLength(before);
  await until(() => site.output.includes('the body is too large to sign'), 'the event');
});

test('with omitBody the body is not signed', async () => {
  expect(await post('/streams', 'x'.repeat(100_000))).toBe(200);
  expect(verified(last()).names).not.toContain('content-digest');
  expect(last().body).toHaveLength(100_000);
});

test('Weir verifies its own signatures, also of equal requests, of what the filters of the backend made of them', async () => {
  for (let i = 0; i < 3; i++) expect(await post('/outer/pay?a=1', '{"amount":1}')).toBe(200);
  expect(last()).toMatchObject({ url: '/inner/pay?a=1', headers: { host: 'inner.example', 'x-user': 'edge' } });
  expect(await post('/inner/pay?a=1', '{"amount":1}', { host: 'inner.example' })).toBe(401);
});

test.each(['other', 'public', 'short', 'missing'])('without a key that can sign nothing passes: %s', async (name) => {
  const before = seen.length;
  expect(await site.status(`/${name}`)).toBe(500);
  expect(seen).toHaveLength(before);
  await site.printed(new RegExp(`"route":"HTTPRoute/default/${name}/0"`));
  const events = site.output.split('\n').filter((line) => line.includes(`"route":"HTTPRoute/default/${name}/0"`));
  expect(events.map((line) => JSON.parse(line) as object)).toMatchObject([
    { event: 'policy_unresolved', policy: `SecurityPolicy/default/${name}` },
  ]);
});

test('a new key signs the next requests', async () => {
  const other = generateKeyPairSync('ed25519');
  const isNew = (): boolean => {
    try {
      verified(last());
      return false;
    } catch {
      return true;
    }
  };
  site.write('keys2', [secret('rotating', { key: pem(ed.privateKey) })]);
  site.write('rotating', [
    ...protectedRoute('rotating', { requestSigning: { keyId: 'ed25519', key: { secretRef: { name: 'rotating' }, key: 'key' } } }),
  ]);
  while ((await site.status('/rotating')) !== 200);
  verified(last());
  site.write('keys2', [secret('rotating', { key: pem(other.privateKey) })]);
  do await site.status('/rotating');
  while (!isNew());
});

test('no key is in the output of Weir', () => {
  expect(site.output).not.toMatch(/PRIVATE KEY|a shared secret/);
});
