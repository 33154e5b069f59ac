// Questions to real servers on loopback.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { outsideGuard } from '#lib/address-guard.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { certified } from '../../test/support/certified.ts';
import { OutsideServices } from './services.ts';

const LOOPBACK = outsideGuard(AddressRanges.of([{ version: 4, address: '127.0.0.0', bits: 8 }]));
const NOWHERE = outsideGuard(AddressRanges.of([]));
const certificate = certified('DNS:localhost');

function pem(part: 'ca' | 'certificate' | 'privateKey'): string {
  return readFileSync(certificate.files[part], 'utf8');
}

let server: http.Server;
let secure: https.Server;
let origin = '';
let secureOrigin = '';
let requests = 0;

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  requests++;
  if (request.url === '/redirect') response.writeHead(302, { location: '/' }).end();
  else if (request.url === '/huge') response.end('x'.repeat(10_000));
  else if (request.url === '/cut') response.destroy();
  else if (request.url !== '/silent') request.pipe(response.writeHead(200, { 'x-method': request.method, 'cache-control': 'max-age=7' }));
}

beforeAll(async () => {
  server = http.createServer(answer).listen(0, '127.0.0.1');
  secure = https.createServer({ cert: pem('certificate'), key: pem('privateKey') }, answer).listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(secure, 'listening')]);
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  secureOrigin = `https://localhost:${(secure.address() as AddressInfo).port}`;
});

afterAll(() => {
  for (const each of [server, secure]) {
    each.closeAllConnections();
    each.close();
  }
});

beforeEach(() => void (requests = 0));

async function withServices<T>(guard: typeof LOOPBACK, use: (services: OutsideServices) => Promise<T>): Promise<T> {
  const services = new OutsideServices(guard);
  try {
    return await use(services);
  } finally {
    services.close();
  }
}

test('a question has its method, headers and body, and the whole answer', async () => {
  const got = await withServices(LOOPBACK, (services) => services.ask({ url: `${origin}/`, method: 'POST', body: 'hello' }));
  expect(got).toMatchObject({ ok: true, value: { status: 200, headers: { 'x-method': 'POST' }, body: Buffer.from('hello') } });
});

test('a redirect is an answer', async () => {
  const got = await withServices(LOOPBACK, (services) => services.ask({ url: `${origin}/redirect` }));
  expect([got.ok && got.value.status, requests]).toEqual([302, 1]);
});

describe('there is no answer', () => {
  test.each([
    ['beyond the limit of size', { path: '/huge', maxBytes: 9_999 }, 'answers with more than 9999 bytes'],
    ['beyond the limit of time', { path: '/silent', timeout: 50 }, 'does not answer in time'],
    ['of a connection that breaks', { path: '/cut' }, 'cannot be reached: UND_ERR_SOCKET'],
    ['for a caller that has left', { path: '/', signal: AbortSignal.abort() }, 'is no longer asked'],
  ])('%s', async (_, { path, ...limits }, error) => {
    const got = await withServices(LOOPBACK, (services) => services.ask({ url: `${origin}${path}`, ...limits }));
    expect(got).toEqual({ ok: false, error });
  });

  test.each(['ftp://127.0.0.1/', 'file:///etc/passwd', 'http://user:pass@127.0.0.1/', 'nonsense'])('of %s', async (url) => {
    const got = await withServices(LOOPBACK, (services) => services.ask({ url }));
    expect(got).toEqual({ ok: false, error: 'is not a URL of http or https without credentials' });
  });
});

describe('an address that leads to the machine or to its cloud is refused', () => {
  test.each([
    'http://127.0.0.1',
    'http://2130706433',
    'http://0x7f.1',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[64:ff9b::7f00:1]',
    'http://0.0.0.0',
    'http://169.254.169.254',
    'http://[fd00:ec2::254]',
    'http://localhost',
  ])('%s', async (url) => {
    const got = await withServices(NOWHERE, (services) => services.ask({ url: `${url}:${new URL(origin).port}/` }));
    expect(got).toMatchObject({ ok: false, error: expect.stringContaining('--allow-services') });
    expect(requests).toBe(0);
  });
});

describe('TLS', () => {
  test('trusts the given authorities', async () => {
    const got = await withServices(LOOPBACK, (services) => services.ask({ url: `${secureOrigin}/`, ca: pem('ca') }));
    expect(got).toMatchObject({ ok: true, value: { status: 200 } });
  });

  test('trusts no others', async () => {
    const got = await withServices(LOOPBACK, (services) => services.ask({ url: `${secureOrigin}/` }));
    expect(got).toMatchObject({ ok: false });
    expect(requests).toBe(0);
  });
});

test('a service that fails is not asked for a while, and others are', async () => {
  await withServices(LOOPBACK, async (services) => {
    for (let i = 0; i < 5; i++) await services.ask({ url: `${origin}/cut` });
    expect(await services.ask({ url: `${origin}/` })).toEqual({ ok: false, error: 'has not answered lately' });
    expect(requests).toBe(5);
    expect(await services.ask({ url: `${secureOrigin}/`, ca: pem('ca') })).toMatchObject({ ok: true });
  });
});
