// Lines of the access log about real requests and connections.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { parseFilter } from '#api/access-log/filter.ts';
import { parseFormat } from '#api/access-log/format.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Worker } from '../../proxy/worker.ts';
import { certified } from '../support/certified.ts';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../support/fixture.ts';
import { cluster, listener, LISTENER_PORT, route, streamBackend, streamRoute, toUpstream } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';

closeAfterEach();
const cert = certified('DNS:a.test');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-access-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Logged {
  readonly client: RawClient;
  readonly port: number;
  /** Stops the worker. All that it logged. */
  lines(): Promise<readonly string[]>;
}

interface Settings {
  readonly format?: string;
  readonly fields?: string;
  readonly filter?: string;
}

function settled<Value>(result: { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: string }): Value {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

async function serve(resources: readonly ir.Resource[], { format = 'json', fields = '', filter = '' }: Settings = {}): Promise<Logged> {
  const file = path.join(folder, 'access.log');
  const accessLogSettings = { format: settled(parseFormat(format, fields)), filter: settled(parseFilter(filter)) };
  const common = { limits: DEFAULT_LIMITS, reusePort: false, drainTimeout: 1, bindPort: () => 0 };
  const worker = new Worker({ ...common, accessLog: file, accessLogSettings });
  closeLater(() => worker.stop(1));
  expect(await worker.apply(resources, [])).toEqual([]);
  const port = worker.boundPort(LISTENER_PORT) as number;
  return {
    port,
    client: await openClient(port),
    async lines() {
      expect(await worker.stop(1_000)).toBe(true);
      return readFileSync(file, 'utf8').split('\n').slice(0, -1);
    },
  };
}

function parsed(lines: readonly string[]): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Cache: hit\r\n\r\nok';

test('headers are logged as they came, before the proxy and its filters change them', async () => {
  const upstream = await openUpstream(ANSWER);
  const set = [
    { name: 'user-agent', value: 'changed' },
    { name: 'x-request-id', value: 'changed' },
  ];
  const filters: ir.Filter[] = [{ type: 'RequestHeaderModifier', headers: { set, add: [], remove: ['referer', 'x-tenant'] } }];
  const fields = '+referer,+forwardedFor,+requestHeader.X-Tenant,+responseHeader.x-cache';
  const { client, lines } = await serve(toUpstream(upstream.port, { filters }), { fields });
  const headers = [
    'User-Agent: curl',
    'X-Request-ID: 7f',
    'Referer: https://a/b?token=secret',
    'X-Forwarded-For: 203.0.113.9',
    'X-Tenant: t',
  ];
  await client.ask(`GET /asked?token=secret HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n\r\n`);
  expect(upstream.connections[0]?.received).toMatch(/user-agent: changed/i);
  const [line = ''] = await lines();
  expect(line).not.toContain('secret');
  expect(JSON.parse(line)).toMatchObject({
    ...{ requestId: '7f', userAgent: 'curl', referer: 'https://a/b', forwardedFor: '203.0.113.9' },
    ...{ 'requestHeader.x-tenant': 't', 'responseHeader.x-cache': 'hit', path: '/asked', status: 200 },
  });
});

test('times tell where a request was', async () => {
  const upstream = await openUpstream(ANSWER);
  const { client, lines } = await serve(toUpstream(upstream.port), { fields: '+queueMs,+firstByteMs,+upstreamMs,+startTime' });
  await client.ask(get('/'));
  await client.ask(get('/'));
  const [first = {}, second = {}] = parsed(await lines());
  const { queueMs, connectMs, firstByteMs, upstreamMs, headMs, durationMs } = first as Record<string, number>;
  for (const ms of [queueMs, connectMs, firstByteMs, upstreamMs, headMs, durationMs]) expect(ms).toBeGreaterThan(0);
  expect(upstreamMs).toBeLessThanOrEqual(durationMs as number);
  expect((queueMs as number) + (firstByteMs as number)).toBeLessThanOrEqual((headMs as number) + 0.002);
  // The same connection again.
  expect(second).not.toHaveProperty('connectMs');
  expect(second['queueMs']).toBe(0);
  expect(new Date(String(first['startTime'])).getTime()).toBeLessThanOrEqual(new Date(String(first['time'])).getTime());
});

test('origin, endpoint and failure are named as metrics and errors.md name them', async () => {
  const upstream = await openUpstream('nonsense\r\n\r\n');
  const { client, lines } = await serve(toUpstream(upstream.port), { fields: '+routeName,+rule,+gateway,+client,+localPort' });
  await client.ask(get('/'));
  expect(parsed(await lines())).toEqual([
    expect.objectContaining({
      ...{ route: 'HTTPRoute/default/route/0', routeName: 'default/route', rule: 0, listener: 'default/gateway/http' },
      ...{ gateway: 'default/gateway', endpoint: `127.0.0.1:${upstream.port}`, error: 'upstream_malformed', status: 502 },
      ...{ remoteAddress: '127.0.0.1', client: '127.0.0.1', protocol: 'http/1.1' },
    }),
  ]);
});

test('the combined format has the columns that its readers expect', async () => {
  const upstream = await openUpstream(ANSWER);
  const { client, lines } = await serve(toUpstream(upstream.port), { format: 'combined' });
  await client.ask('GET /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: a "b" c\r\n\r\n');
  const [line] = await lines();
  expect(line).toMatch(
    /^127\.0\.0\.1 - - \[\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} \+0000\] "GET \/a HTTP\/1\.1" 200 2 "-" "a \\"b\\" c"$/,
  );
});

test('a connection that is passed on has a line of the same fields', async () => {
  const upstream = await openUpstream({ connected: ({ socket }) => socket.end('bye') });
  const resources = [listener({ protocol: 'TCP' }), ...cluster('app', [upstream.port]), streamRoute({ backends: [streamBackend('app')] })];
  const { client, lines } = await serve(resources, { fields: '+routeName,+gateway,+startTime' });
  client.write('hello');
  client.end();
  await client.over();
  expect(parsed(await lines())).toEqual([
    expect.objectContaining({
      ...{ protocol: 'tcp', receivedBytes: 5, sentBytes: 3, remoteAddress: '127.0.0.1', gateway: 'default/gateway', closedBy: 'backend' },
      ...{ endpoint: `127.0.0.1:${upstream.port}`, connectMs: expect.any(Number), durationMs: expect.any(Number) },
    }),
  ]);
});

test('the handshake of a request is logged', async () => {
  const upstream = await openUpstream(ANSWER);
  const https = listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/cert'] } });
  const resources = [cert.secret, https, ...cluster('app', [upstream.port]), route()];
  const { port, lines } = await serve(resources, { fields: '+tlsCipher,+scheme' });
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false });
  closeLater(() => socket.destroy());
  socket.write(get('/').replace('Host: a', 'Host: a.test'));
  await once(socket, 'data');
  expect(parsed(await lines())).toEqual([
    expect.objectContaining({ serverName: 'a.test', tlsVersion: 'TLSv1.3', tlsCipher: expect.stringMatching(/^TLS_/), scheme: 'https' }),
  ]);
});

test('a filter leaves the lines that any of its rules asks for', async () => {
  const upstream = await openUpstream(({ raw }) => (raw.includes('GET /fails') ? 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n' : ANSWER));
  const { client, lines } = await serve(toUpstream(upstream.port), { filter: 'status=5xx or route=default/other or duration>=1h' });
  for (const target of ['/', '/fails', '/']) await client.ask(get(target));
  expect(parsed(await lines())).toEqual([expect.objectContaining({ path: '/fails', status: 503 })]);
});

test('a filter may sample, and keep all failures', async () => {
  const upstream = await openUpstream(ANSWER);
  const { client, lines } = await serve(toUpstream(upstream.port), { filter: 'error or sample=0.000001' });
  for (let i = 0; i < 20; i++) await client.ask(get('/'));
  await client.ask('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
  expect(parsed(await lines())).toEqual([expect.objectContaining({ status: 400, error: 'request_malformed' })]);
});
