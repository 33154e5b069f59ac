// HMAC signatures in Authorization as clients and backends see them, and the attacks on them: `weir up` with a folder.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash, createHmac } from 'node:crypto';
import { until } from '../support/until.ts';
import { ProtectedApp, type AppRequest } from '../support/protected-app.ts';
import { ALICE, SECRET } from '../support/signed-request.ts';

const MANIFEST = `${ALICE}apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: app, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  authentication: { hmac: { headers: [x-account], clockSkew: 1m, maxBodyBytes: 1Ki } }
  headersToBackend: [{ name: x-caller, value: principal.id }]
`;

const BODY = '{"amount":1}';
const DIGEST = `SHA-256=${createHash('sha256').update(BODY).digest('base64')}`;
const NAMES = '@request-target host date digest x-account x-request';

let app: ProtectedApp;

beforeAll(async () => {
  app = await ProtectedApp.open(MANIFEST);
});
afterAll(() => app.close());

function dateOf(offset = 0): string {
  return new Date(Date.now() + offset).toUTCString();
}

let count = 0;

interface Claims {
  readonly names?: string;
  readonly values?: Record<string, string>;
  readonly secret?: string;
  readonly algorithm?: string;
  readonly hash?: string;
  readonly scheme?: string;
  readonly key?: string;
  readonly more?: string;
}

/** A request with a right signature, whatever its headers become afterwards. */
function signed(claims: Claims = {}, request: AppRequest = {}): AppRequest & { headers: Record<string, string> } {
  const {
    names = NAMES,
    secret = SECRET,
    algorithm = 'hmac-sha256',
    hash = 'sha256',
    scheme = 'hmac',
    key = 'username="alice"',
    more = '',
  } = claims;
  const own: Record<string, string> = {
    host: 'shop.example',
    date: dateOf(),
    digest: DIGEST,
    'x-account': '7',
    'x-request': String(++count),
  };
  const values: Record<string, string> = {
    '@request-target': 'post /pay?a=1',
    '(request-target)': 'post /pay?a=1',
    ...own,
    ...claims.values,
  };
  const text = names.split(' ').map((name) => (name === 'request-line' ? 'POST /pay?a=1 HTTP/1.1' : `${name}: ${values[name] ?? ''}`));
  const signature = createHmac(hash, secret).update(text.join('\n')).digest('base64');
  const authorization = `${scheme} ${key}, algorithm="${algorithm}", headers="${names}", signature="${signature}"${more}`;
  const sent = Object.fromEntries(Object.entries(values).filter(([name]) => !name.includes('request-target')));
  const headers = { ...sent, 'content-length': String(BODY.length), authorization, ...(request.headers as object) };
  return { method: 'POST', url: '/pay?a=1', body: BODY, ...request, headers };
}

function eventCount(): number {
  return app.weir.output.split('"event":"authentication_failed"').length - 1;
}

/** Of a request that the backend does not get, and that has one security event. */
async function refusal(request: AppRequest): Promise<unknown> {
  const before = app.seen.length;
  const events = eventCount();
  const { statusCode, text } = await app.ask(request);
  expect(app.seen.length).toBe(before);
  await until(() => eventCount() > events, 'a security event');
  expect(eventCount()).toBe(events + 1);
  return [statusCode, (JSON.parse(text) as { code: string }).code];
}

describe('is accepted, and removed: a signature', () => {
  test.each<[string, Claims]>([
    ['of Kong', {}],
    ['with the line of the request', { names: 'request-line host date digest x-account x-request' }],
    ['of draft-cavage', { scheme: 'Signature', key: 'keyId="alice"', names: '(request-target) host date digest x-account x-request' }],
    ['with SHA-512', { algorithm: 'hmac-sha512', hash: 'sha512' }],
    ['with X-Date', { names: '@request-target host x-date digest x-account x-request', values: { 'x-date': dateOf() } }],
  ])('%s', async (_, claims) => {
    expect(await app.status(signed(claims))).toBe(200);
    expect(app.last).toMatchObject({ body: BODY, headers: { 'x-caller': 'alice' } });
    expect(app.last.headers).not.toHaveProperty('authorization');
  });
});

test('a request without a signature, or with another scheme, gets the challenge', async () => {
  for (const headers of [{}, { authorization: 'Bearer abc' }]) {
    const { statusCode, headers: answer } = await app.ask({ headers });
    expect([statusCode, answer['www-authenticate']]).toEqual([401, 'hmac']);
  }
});

describe('is refused:', () => {
  test.each<[string, Claims, AppRequest?]>([
    ['another secret', { secret: 'another-secret-0123456789' }],
    ['an empty secret', { secret: '' }],
    ['an unknown user', { key: 'username="eve"' }],
    ['two names of the user', { key: 'username="alice", keyId="alice"' }],
    ['a user twice', { more: ', username="alice"' }],
    ['an unknown field', { more: ', created="1"' }],
    ['SHA-1', { algorithm: 'hmac-sha1', hash: 'sha1' }],
    ['another algorithm than it names', { algorithm: 'hmac-sha512' }],
    ['no algorithm', { algorithm: '' }],
    ['no target', { names: 'host date digest x-account' }],
    ['no host', { names: '@request-target date digest x-account' }],
    ['no date', { names: '@request-target host digest x-account' }],
    ['no digest', { names: '@request-target host date x-account' }],
    ['no header of the policy', { names: '@request-target host date digest' }],
    ['nothing that is signed', { names: '' }],
    ['a header twice', { names: `${NAMES} host` }],
    ['a header that the request lacks', { names: `${NAMES} x-missing` }],
    ['many headers', { names: `${NAMES} ${Array.from({ length: 40 }, (_, i) => `x-${i}`).join(' ')}` }],
    ['a huge field', { key: `username="${'a'.repeat(5_000)}"` }],
    ['an old date', { values: { date: dateOf(-120_000) } }],
    ['a date of the future', { values: { date: dateOf(120_000) } }],
    ['another form of a date', { values: { date: new Date().toISOString() } }],
    ['an old date beside a new one that is not signed', { values: { date: dateOf(-120_000), 'x-date': dateOf() } }],
    ['another body', {}, { body: '{"amount":9}' }],
    ['another digest', {}, { headers: { digest: 'SHA-256=AAAA' } }],
    ['a digest that can be forged', { values: { digest: 'MD5=XrY7u+Ae7tCTyyK7j1rNww==' } }],
    ['another path', {}, { url: '/refund?a=1' }],
    ['another query', {}, { url: '/pay?a=2' }],
    ['another method', {}, { method: 'PUT' }],
    ['another host', {}, { headers: { host: 'other.example' } }],
    ['another value', {}, { headers: { 'x-account': '8' } }],
    ['another date', {}, { headers: { date: dateOf(5_000) } }],
  ])('%s', async (_, claims, request = {}) => {
    expect(await refusal(signed(claims, request))).toEqual([401, 'authentication_failed']);
  });

  test('the same signature again, also with another spelling of it', async () => {
    const request = signed();
    expect(await app.status(request)).toBe(200);
    expect(await refusal(request)).toEqual([401, 'authentication_failed']);
    const authorization = (request.headers.authorization ?? '').replace(/^hmac /, 'HMAC  ');
    expect(await refusal({ ...request, headers: { ...request.headers, authorization } })).toEqual([401, 'authentication_failed']);
  });

  test('a body that is larger than the limit', async () => {
    const body = 'x'.repeat(2_000);
    const digest = `SHA-256=${createHash('sha256').update(body).digest('base64')}`;
    const request = signed({ values: { digest } }, { body, headers: { 'content-length': '2000' } });
    expect(await refusal(request)).toEqual([401, 'authentication_failed']);
  });

  test('a body of unknown length without a signed digest', async () => {
    const request = signed({ names: '@request-target host date x-account' }, { headers: { 'transfer-encoding': 'chunked' } });
    const { 'content-length': _, ...headers } = request.headers;
    expect(await refusal({ ...request, headers })).toEqual([401, 'authentication_failed']);
  });

  test('a second line of a signed header', async () => {
    const { headers, ...request } = signed();
    expect(await refusal({ ...request, headers: [...Object.entries(headers).flat(), 'X-Account', '8'] })).toEqual([
      401,
      'authentication_failed',
    ]);
  });

  test('a second Authorization', async () => {
    const { headers, ...request } = signed();
    const lines = [...Object.entries(headers).flat(), 'Authorization', 'hmac username="eve"'];
    expect((await refusal({ ...request, headers: lines })) as unknown[]).toContain(401);
  });
});
