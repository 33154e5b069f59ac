import { expect, test } from '@jest/globals';
import net from 'node:net';
import { closeAfterEach, closeLater } from '../../test/support/fixture.ts';
import { SyslogServer } from '../../test/support/syslog-server.ts';
import { until } from '../../test/support/until.ts';
import { framesOf, SEVERITY } from './message.ts';
import { SyslogSender } from './sender.ts';
import { parseSyslog } from './settings.ts';

closeAfterEach();

const TIMES = { connectMs: 1_000, writeMs: 50, minimumPauseMs: 1, maximumPauseMs: 5 };
const frame = framesOf({ host: 'proxy 1', program: 'weir', process: '7' });

function senderTo(port: number, times = TIMES): { readonly sender: SyslogSender; readonly problems: string[] } {
  const problems: string[] = [];
  const sender = new SyslogSender({ host: '127.0.0.1', port, tls: false, caFile: '' }, (problem) => problems.push(problem), times);
  closeLater(() => sender.close(0));
  return { sender, problems };
}

/** A server that treats connections in this way. */
async function openServer(take: (socket: net.Socket) => void): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    take(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as net.AddressInfo).port;
}

test('messages arrive in order, in frames with their length', async () => {
  const server = await SyslogServer.start();
  const { sender } = senderTo(server.port);
  for (let i = 0; i < 5_000; i++) sender.add(frame(SEVERITY.info, 'access', `{"n":${i},"text":"gr\u00fc\u00df 10 <1>"}`));
  await until(() => server.messages.length === 5_000, 'all messages');
  expect(server.problem).toBe('');
  expect(server.messages.map(({ text }) => (JSON.parse(text) as { n: number }).n)).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
  expect(server.messages[0]).toMatchObject({ priority: 134, host: 'proxy1', program: 'weir', process: '7', id: 'access' });
  expect([sender.sent, sender.dropped, sender.bytes]).toEqual([5_000, 0, 0]);
});

test('what waits while the server is away arrives when it is back', async () => {
  const first = await SyslogServer.start();
  const { port } = first;
  const { sender, problems } = senderTo(port);
  sender.add(frame(SEVERITY.info, 'access', 'before'));
  await until(() => first.messages.length === 1, 'the first message');
  await first.close();
  await until(() => problems.length > 0, 'the loss of the connection');
  sender.add(frame(SEVERITY.info, 'access', 'meanwhile'));
  const second = await SyslogServer.start({ port });
  await until(() => second.messages.some(({ text }) => text === 'meanwhile'), 'the message that waited');
  expect(sender.dropped).toBe(0);
});

test('a server that reads nothing costs bounded memory, and is left', async () => {
  const port = await openServer((socket) => socket.pause());
  const { sender, problems } = senderTo(port);
  const large = frame(SEVERITY.info, 'access', 'x'.repeat(4_000));
  for (let i = 0; i < 5_000; i++) sender.add(large);
  expect(sender.bytes).toBeLessThanOrEqual(4_194_304);
  expect(sender.dropped).toBeGreaterThan(3_900);
  await until(() => problems.some((problem) => problem.includes('50 ms')), 'the end of the patience');
});

test.each<[string, (socket: net.Socket) => void]>([
  ['closes at once', (socket) => socket.destroy()],
  ['resets after the first bytes', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  [
    'sends without end',
    (socket) =>
      void setImmediate(function more() {
        if (!socket.destroyed) socket.write(Buffer.alloc(65_536), () => setImmediate(more));
      }),
  ],
])('a server that %s costs neither memory nor the process', async (_, take) => {
  let connections = 0;
  const port = await openServer((socket) => {
    connections++;
    take(socket);
  });
  const { sender } = senderTo(port);
  for (let i = 0; i < 2_000; i++) sender.add(frame(SEVERITY.info, 'access', 'x'.repeat(3_000)));
  await until(() => connections > 2 || sender.sent > 0, 'connections');
  expect(sender.bytes).toBeLessThanOrEqual(4_194_304);
  await sender.close(10);
  expect([sender.bytes, sender.sent + sender.dropped]).toEqual([0, 2_000]);
});

test.each([
  ['tcp://logs.example', { host: 'logs.example', port: 601, tls: false, caFile: '' }],
  ['tls://[::1]:7000', { host: '::1', port: 7_000, tls: true, caFile: '' }],
])('%s is a server', (url, settings) => {
  expect(parseSyslog(url)).toEqual({ ok: true, value: settings });
});

test.each(['udp://a:1', 'tcp://', 'tcp://a/b', 'tls://u:p@a', 'logs:514', 'tcp://a?x'])('%s is none', (url) => {
  expect(parseSyslog(url)).toMatchObject({ ok: false });
});
