// Streams of events of a backend: signs of life while it is silent, never within an event, also in a compressed stream.
import zlib from 'node:zlib';
import { expect, test } from '@jest/globals';
import { manifest, SecurityRig } from '../security/rig.ts';
import { closeAfterEach, openClient } from '../support/fixture.ts';
import { HUB_ROUTE } from './hub-clients.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const COMMENT = '3\r\n:\n\n\r\n';

interface Stream {
  readonly rig: SecurityRig;
  /** Everything that the client got. */
  readonly got: () => string;
  /** Sends data of the backend. */
  readonly send: (text: string) => void;
}

async function open(spec: object, head = HEAD, headers = ''): Promise<Stream> {
  const policy = manifest('HTTPPolicy', 'events', { targetRefs: [HUB_ROUTE], ...spec });
  const rig = await SecurityRig.start([policy]);
  rig.upstream.become(() => head);
  const client = await openClient(rig.proxy.port);
  client.write(`GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
  await until(() => client.received.includes('\r\n\r\n'), 'the head');
  const { socket } = rig.upstream.connections.at(-1) ?? {};
  const send = (text: string): void => void socket?.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  return { rig, got: () => client.received, send };
}

test('a silent stream gets comments, but none within an event', async () => {
  const { got, send } = await open({ events: { heartbeat: '20ms' } });
  await until(() => got().includes(COMMENT), 'a comment before the first event');
  expect(got()).toContain('x-accel-buffering: no\r\n');
  send('data: one\n');
  await until(() => got().includes('data: one'), 'the beginning of the event');
  // Several times the heartbeat of another stream of the same rule.
  const other = await open({ events: { heartbeat: '20ms' } });
  await until(() => other.got().split(COMMENT).length > 4, 'comments of another stream');
  expect(got().endsWith('data: one\n\r\n')).toBe(true);
  send('\n');
  await until(() => got().endsWith(`1\r\n\n\r\n${COMMENT}`), 'a comment after the event');
});

test('a compressed stream has each event and each comment at once', async () => {
  const spec = { events: { heartbeat: '20ms' }, compression: { types: ['text/event-stream'], codings: ['gzip'] } };
  const { got, send } = await open(spec, HEAD, 'Accept-Encoding: gzip\r\n');
  const decoded = (): string => {
    const [, body = ''] = got().split(/\r\n\r\n(.*)/s);
    const parts = [
      ...Buffer.from(body, 'latin1')
        .latin1Slice()
        .matchAll(/([0-9a-f]+)\r\n/g),
    ];
    let [at, bytes] = [0, Buffer.alloc(0)];
    const raw = Buffer.from(body, 'latin1');
    for (const { index, 0: line, 1: size = '' } of parts) {
      if (index !== at) continue;
      const start = at + line.length;
      bytes = Buffer.concat([bytes, raw.subarray(start, start + parseInt(size, 16))]);
      at = start + parseInt(size, 16) + 2;
    }
    return zlib.gunzipSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString();
  };
  await until(() => got().includes('content-encoding: gzip') && decoded().includes(':\n\n'), 'a comment');
  send('data: one\n\n');
  await until(() => decoded().includes('data: one\n\n:\n\n'), 'an event and a comment');
});

test.each([
  ['another type', HEAD.replace('event-stream', 'event-streams')],
  ['a coding of the backend', HEAD.replace('\r\n\r\n', '\r\ncontent-encoding: br\r\n\r\n')],
  ['no-transform', HEAD.replace('\r\n\r\n', '\r\ncache-control: no-transform\r\n\r\n')],
  ['another status', HEAD.replace('200 OK', '202 OK')],
])('a stream with %s gets none', async (_, head) => {
  const { got, send } = await open({ events: { heartbeat: '10ms' } }, head);
  const other = await open({ events: { heartbeat: '10ms' } });
  await until(() => other.got().split(COMMENT).length > 4, 'comments of another stream');
  send('data: one\n\n');
  await until(() => got().includes('data: one'), 'the event');
  expect(got()).not.toContain(COMMENT);
});

test('without a heartbeat only the head says that nothing may hold the stream back', async () => {
  const { got, send } = await open({ events: { heartbeat: '0s' } });
  send('data: one\n\n');
  await until(() => got().includes('data: one'), 'the event');
  expect([got().includes('x-accel-buffering: no'), got().includes(COMMENT)]).toEqual([true, false]);
});
