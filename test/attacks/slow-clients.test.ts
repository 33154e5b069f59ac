// Many more slow clients than there are connections to the backend: others are served normally.
import { describe, expect, test } from '@jest/globals';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream, post } from '../support/fixture.ts';
import {
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  GET,
  literals,
  numbers,
  post as postStream,
  settings,
  TYPE,
} from '../support/h2-client.ts';
import { status } from '../support/message.ts';
import { toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const CONNECTIONS = 4;
const SLOW = 12;
/** More than the kernel keeps for a client that does not read. */
const LARGE = Buffer.from(ok('x'.repeat(6_000_000)));
const LIMITS: Partial<Limits> = { maxConnectionsPerEndpoint: CONNECTIONS, slowClientTimeout: 50 };
/** Of SETTINGS, RFC 9113 section 6.5.2. */
const INITIAL_WINDOW = 4;

interface Site {
  readonly upstream: RawUpstream;
  readonly proxy: Proxy;
}

async function openSite(limits: Partial<Limits> = {}): Promise<Site> {
  const upstream = await openUpstream(({ startLine }, { socket }) => {
    if (!startLine.startsWith('GET /large')) return ok();
    socket.write(LARGE);
    return null;
  });
  return { upstream, proxy: await openProxy(toUpstream(upstream.port), { ...LIMITS, ...limits }) };
}

/** Repeats an action until the end of the test. */
function repeat(act: () => void): void {
  const timer = setInterval(act, 100);
  closeLater(() => clearInterval(timer));
}

/** Slow clients by kind; each resolves when its last client has begun. */
const KINDS: Readonly<Record<string, (port: number) => Promise<void>>> = {
  'uploads of a known length': (port) => uploads(port, 'Content-Length: 1000000', 'x'),
  'small uploads': (port) => uploads(port, 'Content-Length: 1000', 'x'),
  'uploads in chunks': (port) => uploads(port, 'Transfer-Encoding: chunked', '1\r\nx\r\n'),
  'uploads that call themselves gRPC': (port) =>
    uploads(port, 'Content-Type: application/grpc\r\nTransfer-Encoding: chunked', '1\r\nx\r\n'),
  readers: async (port) => {
    for (let i = 0; i < SLOW; i++) {
      const client = await openClient(port, false);
      client.socket.pause();
      client.write(get('/large'));
    }
  },
  'uploads on streams of HTTP/2': async (port) => {
    const client = await FrameClient.connect(port);
    for (const id of IDS) client.write(postStream(id));
    repeat(() => IDS.map((id) => client.socket.writable && client.write(frame(TYPE.data, 0, id, Buffer.from('x')))));
  },
  'readers of streams of HTTP/2': async (port) => {
    const client = await FrameClient.connect(port);
    client.write(frame(TYPE.settings, 0, 0, settings([INITIAL_WINDOW, 1])));
    for (const id of IDS)
      client.write(frame(TYPE.headers, END_STREAM | END_HEADERS, id, literals(...GET.slice(0, 3), [':path', '/large'])));
    repeat(() => IDS.map((id) => client.socket.writable && client.write(frame(TYPE.windowUpdate, 0, id, numbers(1)))));
  },
};
const IDS = Array.from({ length: SLOW }, (_, i) => 2 * i + 1);

async function uploads(port: number, framing: string, piece: string): Promise<void> {
  for (let i = 0; i < SLOW; i++) {
    const client = await openClient(port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
    repeat(() => client.socket.writable && client.write(piece));
  }
}

/** Sequential requests, each on a new connection; returns their statuses. */
async function ask(port: number, count: number): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) {
    const client = await openClient(port);
    statuses.push(status(await client.ask(i % 2 === 0 ? get() : post('hello'))));
    client.destroy();
  }
  return statuses;
}

const TWENTY = Array.from({ length: 20 }, () => 200);

test.each(Object.entries(KINDS))('%s do not affect others', async (_, open) => {
  const { proxy } = await openSite();
  await open(proxy.port);
  expect(await ask(proxy.port, 20)).toEqual(TWENTY);
});

test('of all kinds at once do not affect others', async () => {
  const { proxy } = await openSite();
  for (const open of Object.values(KINDS)) await open(proxy.port);
  expect(await ask(proxy.port, 20)).toEqual(TWENTY);
});

describe('where no room is left for slow clients', () => {
  test('those furthest behind make room for others', async () => {
    const { proxy, upstream } = await openSite({ maxSlowPerEndpoint: 4 });
    await (KINDS['uploads in chunks'] as (typeof KINDS)[string])(proxy.port);
    await (KINDS['readers'] as (typeof KINDS)[string])(proxy.port);
    expect(await ask(proxy.port, 20)).toEqual(TWENTY);
    expect(upstream.open).toBeLessThanOrEqual(CONNECTIONS + 4);
  });

  test('they get the reason', async () => {
    const { proxy } = await openSite({ maxConnectionsPerEndpoint: 1, maxSlowPerEndpoint: 0 });
    const slow = await openClient(proxy.port);
    slow.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
    await until(() => proxy.metric('weir_upstream_connections_open') === 1, 'the connection');
    expect(await ask(proxy.port, 1)).toEqual([200]);
    const answer = await slow.answer();
    expect([status(answer), (JSON.parse(answer.body) as { code: string }).code]).toEqual([408, 'client_too_slow']);
  });
});

test('a connection that was counted separately is closed after its exchange', async () => {
  const { proxy, upstream } = await openSite({ maxConnectionsPerEndpoint: 1 });
  const slow = await openClient(proxy.port);
  slow.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
  await until(() => upstream.open === 1, 'the connection');
  expect(await ask(proxy.port, 1)).toEqual([200]);
  expect(await slow.ask('0\r\n\r\n')).toMatchObject({ body: 'ok' });
  await until(() => upstream.open === 1, 'the end of the first connection');
  expect(upstream.connections[0]?.closed).toBe(true);
});
