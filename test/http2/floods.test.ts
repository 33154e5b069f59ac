// Floods and stalled peers: each ends with its code and is counted, while another connection is served.
import { describe, expect, test } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import type { FloodReason } from '../../proxy/codec/h2/floods.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import type { MetricJson } from '#lib/metric.ts';
import { closeAfterEach, get as get1, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  get,
  GET,
  literals,
  numbers,
  post,
  PREFACE,
  settings,
  TYPE,
} from '../support/h2-client.ts';
import { memoryInUse } from '../support/memory.ts';
import { toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream, Respond, UpstreamBehaviour } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const CALM = 11;
const MIB = 1_048_576;

async function open(
  limits: Partial<Limits> = {},
  respond: string | Respond | UpstreamBehaviour = ok(),
): Promise<{ proxy: Proxy; upstream: RawUpstream }> {
  const upstream = await openUpstream(respond);
  return { upstream, proxy: await openProxy(toUpstream(upstream.port), limits) };
}

function floods({ worker }: Proxy, reason: FloodReason): number {
  const family = worker.registry.getSingleMetric('weir_http2_floods_total') as unknown as { get(): MetricJson };
  return family.get().values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
}

/** Ids of the first streams of a client. */
function ids(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i * 2 + 1);
}

function repeat(count: number, piece: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => piece));
}

/** Too many resets of one kind, for 20 of them. */
const RESETS: readonly (readonly [what: string, reason: FloodReason, bytes: (id: number) => Buffer])[] = [
  ['rapid reset', 'reset', (id) => Buffer.concat([get(id), frame(TYPE.reset, 0, id, numbers(8))])],
  ['reset provoked by an update of 0', 'provoked_reset', (id) => Buffer.concat([get(id), frame(TYPE.windowUpdate, 0, id, numbers(0))])],
  [
    'reset provoked by an overflow',
    'provoked_reset',
    (id) => Buffer.concat([get(id), frame(TYPE.windowUpdate, 0, id, numbers(0x7fffffff))]),
  ],
  ['reset provoked by a priority of 4 bytes', 'provoked_reset', (id) => Buffer.concat([get(id), frame(TYPE.priority, 0, id, numbers(1))])],
  ['reset provoked by data after the end', 'provoked_reset', (id) => Buffer.concat([get(id), frame(TYPE.data, 0, id, Buffer.from('a'))])],
  ['reset provoked by a second head', 'provoked_reset', (id) => Buffer.concat([get(id), get(id)])],
  ['malformed requests', 'provoked_reset', (id) => get(id, ['Upper', 'x'])],
  ['header lists that are too large', 'provoked_reset', (id) => get(id, ...ids(300).map((n) => [`x-${n}`, ''] as const))],
];

describe('streams that end before their answer', () => {
  test.each(RESETS)('%s', async (_, reason, bytes) => {
    const { proxy } = await open({ maxStreamResets: 20, poolIdleTimeout: 50 }, () => null);
    const client = await FrameClient.connect(proxy.port);
    client.write(...ids(20).map(bytes));
    await client.sync();
    expect(client.of(TYPE.goaway)).toEqual([]);
    client.write(bytes(41));
    expect(await client.goaway()).toBe(CALM);
    expect(floods(proxy, reason)).toBe(1);
    await until(() => client.closed, 'the end');
    await proxy.quiet();
    await until(() => proxy.worker.timers === 0, 'all timers to end');
  });
});

const EMPTY_POST = post(1);

/** Frames that cost a client nothing, and the frames that must precede them. */
const CONTROL: readonly (readonly [what: string, reason: FloodReason, bytes: Buffer, before?: Buffer])[] = [
  ['SETTINGS', 'settings', frame(TYPE.settings, 0, 0, settings([4, 65_535]))],
  ['acknowledgements of SETTINGS', 'settings', frame(TYPE.settings, ACK, 0)],
  ['PING', 'ping', frame(TYPE.ping, 0, 0, numbers(1, 2))],
  ['answers to PINGs that were not sent', 'ping', frame(TYPE.ping, ACK, 0, numbers(1, 2))],
  ['PRIORITY of streams that do not exist', 'priority', frame(TYPE.priority, 0, 7, Buffer.concat([numbers(0), Buffer.from([1])]))],
  ['WINDOW_UPDATE', 'window_update', frame(TYPE.windowUpdate, 0, 0, numbers(1))],
  ['empty DATA', 'empty_data', frame(TYPE.data, 0, 1), EMPTY_POST],
  ['DATA of nothing but padding', 'empty_data', frame(TYPE.data, 0x8, 1, Buffer.from([3, 0, 0, 0])), EMPTY_POST],
  ['CONTINUATION', 'continuation', frame(TYPE.continuation, 0, 1), frame(TYPE.headers, END_STREAM, 1, literals(...GET))],
  ['GOAWAY', 'unknown_frame', frame(TYPE.goaway, 0, 0, numbers(0, 0)), post(1)],
  ['PRIORITY_UPDATE', 'unknown_frame', frame(0x10, 0, 0, Buffer.concat([numbers(1), Buffer.from('u=1')]))],
  ['HEADERS of a stream that was reset', 'stray_headers', post(1), frame(TYPE.headers, END_STREAM | END_HEADERS, 1, literals(['X', '']))],
  ['frames of unknown types', 'unknown_frame', frame(0x42, 0, 0, numbers(1))],
  [
    'RST_STREAM on streams that are closed',
    'reset',
    frame(TYPE.reset, 0, 1, numbers(8)),
    Buffer.concat([get(1), frame(TYPE.reset, 0, 1, numbers(8))]),
  ],
];

test('a connection that begins with an acknowledgement is none', async () => {
  const { proxy } = await open();
  const client = await FrameClient.connect(proxy.port, Buffer.concat([PREFACE, frame(TYPE.settings, ACK, 0)]));
  client.write(frame(TYPE.settings, 0, 0), get(1));
  expect(await client.goaway()).toBe(1);
  expect(client.of(TYPE.headers)).toEqual([]);
});

describe('frames without effect', () => {
  test.each(CONTROL)('%s', async (_, reason, bytes, before = Buffer.alloc(0)) => {
    const { proxy } = await open({ maxControlFrames: 50 }, () => null);
    const client = await FrameClient.connect(proxy.port);
    client.write(before, repeat(51, bytes));
    expect(await client.goaway()).toBe(CALM);
    expect(floods(proxy, reason)).toBe(1);
    await until(() => client.closed, 'the end');
    await proxy.quiet();
  });

  test('are allowed together with an answer', async () => {
    const { proxy } = await open({ maxControlFrames: 50 }, ok('x'.repeat(1_000_000)));
    const client = await FrameClient.connect(proxy.port);
    client.write(frame(TYPE.windowUpdate, 0, 0, numbers(1_000_000)), get(1));
    let updates = 0;
    await until(() => {
      const received = client.of(TYPE.data, 1);
      for (; updates < received.length * 2; updates += 2)
        client.write(frame(TYPE.windowUpdate, 0, 1, numbers(8_192)), frame(TYPE.windowUpdate, 0, 1, numbers(8_192)));
      return ((received.at(-1)?.flags ?? 0) & END_STREAM) !== 0;
    }, 'the whole answer');
    expect(updates).toBeGreaterThan(100);
    expect(client.of(TYPE.goaway)).toEqual([]);
  });

  test('in large numbers take little memory, and others are served meanwhile', async () => {
    const { proxy } = await open();
    const other = await openClient(proxy.port);
    const before = memoryInUse().buffers;
    for (let i = 0; i < 20; i++) {
      const client = await FrameClient.connect(proxy.port);
      client.socket.pause();
      client.write(repeat(10_000, frame(TYPE.ping, 0, 0, numbers(i, i))));
      expect((await other.ask(get1())).body).toBe('ok');
    }
    expect(memoryInUse().buffers - before).toBeLessThan(20 * MIB);
    await until(() => floods(proxy, 'ping') === 20, '20 floods');
  });
});

describe('header blocks', () => {
  test('without an end close the connection before they are decoded', async () => {
    const { proxy } = await open();
    const client = await FrameClient.connect(proxy.port);
    const piece = Buffer.alloc(16_000, literals(['x', 'y']));
    client.write(frame(TYPE.headers, END_STREAM, 1, piece), repeat(5, frame(TYPE.continuation, 0, 1, piece)));
    expect(await client.goaway()).toBe(CALM);
    expect(floods(proxy, 'header_block')).toBe(1);
  });

  test('that are too large after decoding are refused, and the connection stays open', async () => {
    const { proxy, upstream } = await open();
    const client = await FrameClient.connect(proxy.port);
    const learn = Buffer.concat([Buffer.from([0x40]), literals(['x-bomb', 'b'.repeat(3_900)]).subarray(1)]);
    client.write(frame(TYPE.headers, END_STREAM | END_HEADERS, 1, Buffer.concat([literals(...GET), learn])));
    await client.answered(1);
    // Each octet decodes to 3,900 octets: 62 MB for a frame.
    const bomb = Buffer.concat([literals(...GET), Buffer.alloc(16_000, 0x80 | 62)]);
    const before = memoryInUse().buffers;
    client.write(frame(TYPE.headers, END_STREAM | END_HEADERS, 3, bomb));
    await client.answered(3);
    expect(client.status(3)).toBe('431');
    expect(memoryInUse().buffers - before).toBeLessThan(MIB);
    client.write(get(5));
    await client.answered(5);
    expect([client.status(5), upstream.requests.length]).toEqual(['200', 2]);
  });

  test('that do not end in time end the connection', async () => {
    const { proxy } = await open({ requestHeadTimeout: 100 });
    const client = await FrameClient.connect(proxy.port);
    client.write(frame(TYPE.headers, END_STREAM, 1, literals(...GET)));
    expect(await client.goaway()).toBe(CALM);
    expect(floods(proxy, 'stalled_header_block')).toBe(1);
  });
});

describe('streams', () => {
  test('beyond the limit are refused for the client to send again', async () => {
    const { proxy, upstream } = await open({ maxStreamsPerConnection: 3 }, () => null);
    const client = await FrameClient.connect(proxy.port);
    client.write(...ids(4).map((id) => get(id)));
    expect(await client.reset(7)).toBe(7);
    await upstream.request(3);
    expect(upstream.requests).toHaveLength(3);
  });

  test('with a closed window are reset, their backends are stopped, and other streams continue', async () => {
    const { proxy, upstream } = await open({ downstreamWriteTimeout: 300 }, ({ startLine }) =>
      startLine.includes('large') ? ok('x'.repeat(20_000_000)) : ok('small'),
    );
    const client = await FrameClient.connect(proxy.port);
    const before = memoryInUse().buffers;
    client.write(frame(TYPE.settings, 0, 0, settings([4, 0])));
    const large = frame(TYPE.headers, END_STREAM | END_HEADERS, 1, literals(...GET.slice(0, 3), [':path', '/large']));
    client.write(large);
    await until(() => client.status(1) === '200', 'the head');
    await turn();
    expect(memoryInUse().buffers - before).toBeLessThan(22 * MIB);
    client.write(get(3), frame(TYPE.windowUpdate, 0, 3, numbers(1_000)));
    await client.answered(3);
    expect(await client.reset(1)).toBe(8);
    expect(floods(proxy, 'stalled_window')).toBe(1);
    await until(() => upstream.open === 1, 'the end of the upstream connection');
    client.write(get(5), frame(TYPE.windowUpdate, 0, 5, numbers(1_000)));
    await client.answered(5);
  });

  test('with unread bodies of single bytes take memory for their bytes only', async () => {
    const { proxy, upstream } = await open({}, { connected: ({ socket }) => void socket.pause() });
    const client = await FrameClient.connect(proxy.port);
    client.write(post(1));
    await until(() => upstream.connections.length === 1, 'the upstream connection');
    const heap = memoryInUse();
    client.write(repeat(200_000, frame(TYPE.data, 0, 1, Buffer.from('a'))));
    await client.sync();
    expect(memoryInUse().buffers - heap.buffers).toBeLessThan(8 * MIB);
    expect(client.of(TYPE.goaway)).toEqual([]);
  });

  test('of a peer that does not read are no longer read', async () => {
    const { proxy } = await open();
    const client = await FrameClient.connect(proxy.port);
    client.socket.pause();
    const before = memoryInUse().buffers;
    for (let from = 0; from < 100_000 && client.socket.writableLength < 4 * MIB; from += 1_000)
      client.write(...ids(1_000).map((id) => get(id + from * 2, ['host', 'b'])), await turn().then(() => Buffer.alloc(0)));
    expect(memoryInUse().buffers - before - client.socket.writableLength).toBeLessThan(8 * MIB);
  });
});

test('a stalled body is answered with 408, and other streams of the connection continue', async () => {
  const { proxy } = await open({ requestBodyIdleTimeout: 200 });
  const client = await FrameClient.connect(proxy.port);
  client.write(post(1), frame(TYPE.data, 0, 1, Buffer.from('a')));
  await client.answered(1);
  expect(client.status(1)).toBe('408');
  expect(await client.reset(1)).toBe(0);
  client.write(get(3));
  await client.answered(3);
  expect(client.status(3)).toBe('200');
});

test('a client without a complete request in either protocol is cut', async () => {
  const { proxy } = await open({ requestHeadTimeout: 100, downstreamIdleTimeout: 150 });
  for (const greeting of [Buffer.from('PR'), PREFACE.subarray(0, 10), PREFACE]) {
    const client = await FrameClient.connect(proxy.port, greeting);
    await until(() => client.closed, 'the end');
  }
  await proxy.quiet();
  expect(proxy.worker.timers).toBe(0);
});
