// Queries against a server that behaves as badly as a test wants; `test/discovery/consul.tool.test.ts` uses a real Consul.
import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { CONSUL_LIMITS, followConsul } from './queries.ts';
import type { ConsulAccess, ConsulFault, ConsulQuestion } from './queries.ts';

type Script = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const open: http.Server[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    await once(server.close(), 'close');
  }
});

/** A server that answers each request with the next script, later ones with the last; resolves to its URL and the requests so far. */
async function serve(...scripts: readonly Script[]) {
  const asked: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request);
    scripts[Math.min(asked.length, scripts.length) - 1]?.(request, response);
  });
  open.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function answer(body: unknown, headers: Readonly<Record<string, string>> = { 'x-consul-index': '7' }, status = 200): Script {
  return (_, response) => response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Consul sends it with every answer. */
const CONSUL = { 'x-consul-default-acl-policy': 'deny' };

/** Holds the request open. */
const hang: Script = () => undefined;

function instance(address: string, more: object = {}) {
  return { Node: { Address: '10.9.9.9' }, Service: { ID: address, Address: address, Port: 80, ...more }, Checks: [{ Status: 'passing' }] };
}

const QUESTION: Omit<ConsulQuestion, 'address'> = { service: 'orders', tags: [], withWarnings: false };
const ACCESS: ConsulAccess = { token: '', tls: {}, guard: () => null, limits: { ...CONSUL_LIMITS, interval: 0 } };

/** Follows until the queries end by themselves, or have reported `reports` times. */
async function follow(url: string, reports = Infinity, access: Partial<ConsulAccess> = {}, question: Partial<ConsulQuestion> = {}) {
  const stop = new AbortController();
  const found: string[][] = [];
  const fault: ConsulFault | null = await followConsul(
    { ...QUESTION, address: url, ...question },
    { ...ACCESS, ...access },
    ({ instances }) => {
      found.push(instances.map(({ address }) => address));
      if (found.length === reports) stop.abort();
    },
    stop.signal,
  );
  return { found, fault };
}

describe('queries to Consul', () => {
  test('name service, tags, places and token', async () => {
    const { url, asked } = await serve(answer([]));
    await follow(url, 1, { token: 'secret' }, { service: 'a/b', tags: ['v1', 'eu&x'], datacenter: 'dc', namespace: 'ns', partition: 'p' });
    expect(asked[0]?.url).toBe('/v1/health/service/a%2Fb?tag=v1&tag=eu%26x&passing=1&dc=dc&ns=ns&partition=p');
    expect(asked[0]?.headers['x-consul-token']).toBe('secret');
  });

  test('wait for the index that was answered last', async () => {
    const second = answer([instance('10.0.0.2')], { 'x-consul-index': '9' });
    const { url, asked } = await serve(answer([instance('10.0.0.1')]), second, hang);
    const { found } = await follow(url, 2);
    expect(found).toEqual([['10.0.0.1'], ['10.0.0.2']]);
    expect(asked[1]?.url).toBe('/v1/health/service/orders?passing=1&index=7&wait=60000ms');
  });

  test.each([
    ['3', 'passing=1'],
    ['0', 'passing=1'],
  ])('start anew after an index that goes back to %s', async (index, query) => {
    const some = [instance('10.0.0.1')];
    const { url, asked } = await serve(answer(some), answer(some, { 'x-consul-index': index }), answer(some), hang);
    await follow(url, 3);
    expect(asked[2]?.url).toBe(`/v1/health/service/orders?${query}`);
  });

  test('do not ask in a loop if the index is 0', async () => {
    const some = [instance('10.0.0.1')];
    const { url, asked } = await serve(answer(some, { 'x-consul-index': '0' }), answer(some), hang);
    await follow(url, 2);
    expect(asked[1]?.url).toContain('index=1&');
  });

  test('leave a pause between answers that come at once', async () => {
    const { url } = await serve(answer([instance('10.0.0.1')]));
    const started = performance.now();
    await follow(url, 3, { limits: { ...CONSUL_LIMITS, interval: 40 } });
    expect(performance.now() - started).toBeGreaterThan(79);
  });

  test.each<[string, Script, string]>([
    ['a status', answer('No cluster leader\n', CONSUL, 500), 'answers 500: No cluster leader'],
    ['a status of another server', answer('secret page', {}, 404), 'answers 404: it is not a Consul server'],
    ['a redirect', answer('', { location: 'http://169.254.169.254/' }, 301), 'answers 301: it is not a Consul server'],
    ['no index', answer([], {}), 'answers without X-Consul-Index: it is not a Consul server'],
    ['an invalid index', answer([], { 'x-consul-index': 'x' }), 'answers without X-Consul-Index: it is not a Consul server'],
    ['no leader', answer([], { 'x-consul-index': '1', 'x-consul-knownleader': 'false' }), 'has no leader'],
    ['no JSON', answer('<html>'), 'answers with invalid JSON'],
    ['no list', answer({}), 'answers with JSON that is not a list'],
    ['a list of something', answer([1]), 'answers with JSON that is not a list of instances'],
    [
      'many instances',
      answer(Array.from({ length: 2_001 }, (_, i) => instance(`10.0.${i >> 8}.${i & 255}`))),
      'reports more than 2000 instances',
    ],
    [
      'a torn answer',
      (_, response) => response.writeHead(200, { 'content-length': '10' }).write('[', () => response.destroy()),
      'cannot be reached: UND_ERR_SOCKET',
    ],
    [
      'bytes that are not HTTP',
      ({ socket }) => socket.end('garbage\r\n\r\n'),
      'cannot be reached: Response does not match the HTTP/1.1 protocol (Expected HTTP/, RTSP/ or ICE/)',
    ],
  ])('end at %s', async (_, script, message) => {
    const { url } = await serve(script);
    const { found, fault } = await follow(url);
    expect(found).toEqual([]);
    expect(fault).toEqual({ message: `${url} ${message}`, reason: 'LookupFailed' });
  });

  test('end at a server that does not answer', async () => {
    const { url } = await serve(hang);
    const { fault } = await follow(url, 1, { limits: { ...CONSUL_LIMITS, answer: 50 } });
    expect(fault?.message).toBe(`${url} does not answer`);
  });

  test('end at an answer that trickles', async () => {
    const { url } = await serve((_, response) => {
      const timer = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(timer));
    });
    const { fault } = await follow(url, 1, { limits: { ...CONSUL_LIMITS, answer: 100 } });
    expect(fault?.message).toBe(`${url} does not answer`);
  });

  test('end at an answer that is too large, without reading all of it', async () => {
    let sent = 0;
    const { url } = await serve((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    const { fault } = await follow(url, 1, { limits: { ...CONSUL_LIMITS, bytes: 1_048_576 } });
    expect(fault?.message).toBe(`${url} sends an answer of more than 1048576 bytes`);
    expect(sent).toBeLessThan(64 * 1_048_576);
  });

  test('end at a refused token, without telling the token', async () => {
    const { url } = await serve(answer('no token secret here', CONSUL, 403));
    const { fault } = await follow(url, 1, { token: 'secret' });
    expect(fault).toEqual({ message: `${url} answers 403: no token <token> here`, reason: 'AccessDenied' });
  });

  test('end at an answer from which the rights of the token have removed instances', async () => {
    const { url } = await serve(answer([], { 'x-consul-index': '7', 'x-consul-results-filtered-by-acls': 'true' }));
    const { found, fault } = await follow(url);
    expect(found).toEqual([]);
    expect(fault).toEqual({
      message: `${url} hides instances from the token, which needs service:read and node:read`,
      reason: 'AccessDenied',
    });
  });

  test('believe that there are no instances only if a query that does not wait says so', async () => {
    const some = answer([instance('10.0.0.1')]);
    const denied = answer([], { 'x-consul-index': '7', 'x-consul-results-filtered-by-acls': 'true' });
    const revoked = await serve(some, answer([]), denied);
    const { found, fault } = await follow(revoked.url);
    expect(found).toEqual([['10.0.0.1']]);
    expect(fault?.reason).toBe('AccessDenied');
    const gone = await serve(some, answer([]), answer([]), hang);
    expect((await follow(gone.url, 2)).found).toEqual([['10.0.0.1'], []]);
    expect(gone.asked[2]?.url).not.toContain('index=');
  });

  test('go to permitted addresses only, by number or by name', async () => {
    const { url, asked } = await serve(answer([]));
    const guard = (address: string) => (/^127\.|^::1$/.test(address) ? 'is a loopback address' : null);
    expect((await follow(url, 1, { guard })).fault).toEqual({ message: `${url} is a loopback address`, reason: 'AddressRefused' });
    const named = url.replace('127.0.0.1', 'localhost');
    const { fault } = await follow(named, 1, { guard });
    expect(fault?.message).toMatch(/^http:\/\/localhost:[0-9]+ has the address (127\.0\.0\.1|::1), which is a loopback address$/);
    expect(fault?.reason).toBe('AddressRefused');
    expect(asked).toEqual([]);
  });

  test('close their connection when they are not needed any more', async () => {
    const { url, asked } = await serve(answer([]), hang);
    const stop = new AbortController();
    const ended = followConsul({ ...QUESTION, address: url }, ACCESS, () => undefined, stop.signal);
    while (asked.length < 2) await new Promise(setImmediate);
    const closed = once(asked[1]!.socket, 'close');
    stop.abort();
    expect(await ended).toBeNull();
    await closed;
  });
});
