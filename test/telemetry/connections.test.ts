// `weir connections` at `weir up` with two workers: WebSockets and streams of events of a backend and of a hub.
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import type { ConnectionList } from '../../controller/operations/connections.ts';
import { backendWithRoute } from '../support/objects.ts';
import { OperatedWeir } from '../support/operated-weir.ts';
import { until } from '../support/until.ts';
import { echo } from '../support/websocket.ts';

const POLICY = {
  apiVersion: 'gateway.weir.dev/v1alpha1',
  kind: 'HTTPPolicy',
  metadata: { name: 'live' },
  spec: { targetRefs: [{ kind: 'HTTPRoute', name: 'live' }], hub: { publish: 'true' } },
};

let backend: http.Server;
let up: OperatedWeir;

beforeAll(async () => {
  backend = http.createServer((request, response) => {
    if (request.url === '/events') response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    else response.writeHead(200, { 'content-type': 'text/plain' }).write('no events');
  });
  const sockets = new WebSocketServer({ server: backend });
  sockets.on('connection', echo);
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const spec = { endpoints: [{ ip: '127.0.0.1', port: (backend.address() as net.AddressInfo).port }] };
  const live = backendWithRoute('live', spec, { matches: [{ path: { value: '/live' } }] });
  up = await OperatedWeir.start([...backendWithRoute('app', spec), ...live, POLICY], '--security-log', 'stdout');
});

afterAll(async () => {
  await up.stop();
  backend.closeAllConnections();
  backend.close();
});

async function open(path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${up.port}${path}`);
  await once(socket, 'open');
  return socket;
}

async function openEvents(path: string): Promise<http.IncomingMessage> {
  const request = http.get({ port: up.port, path, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.on('error', () => undefined).resume();
  return response;
}

async function list(query = ''): Promise<ConnectionList> {
  const { status, body } = await up.operate('GET', `/connections?${query}`);
  expect(status).toBe(200);
  return body as ConnectionList;
}

test('lists, inspects and closes what is open, of backends and of hubs', async () => {
  const [chat, hub] = [await open('/chat?token=s3cret'), await open('/live?topic=news&topic=sport')];
  const closed = [chat, hub].map((socket) => once(socket, 'close'));
  const [events, hubEvents, other] = [await openEvents('/events'), await openEvents('/live/news'), await openEvents('/other')];
  chat.send('hello');
  await once(chat, 'message');
  const all = await list();
  expect(all).toMatchObject({ more: 0, missing: [] });
  expect(all.connections.map(({ kind, route, path, topics }) => [kind, route, path, topics])).toEqual([
    ['websocket', 'HTTPRoute/default/app/0', '/chat', []],
    ['hub-websocket', 'HTTPRoute/default/live/0', '/live', ['news', 'sport']],
    ['events', 'HTTPRoute/default/app/0', '/events', []],
    ['hub-events', 'HTTPRoute/default/live/0', '/live/news', ['news']],
  ]);
  const [first] = all.connections;
  expect(first).toMatchObject({ source: '127.0.0.1', messagesIn: 1, messagesOut: 1, protocol: 'http/1.1', principal: '' });
  expect(JSON.stringify(all)).not.toContain('s3cret');

  const shown = await up.weir('connections', 'list', '--top', '3');
  expect(shown).toMatchObject({ code: 0, output: expect.stringMatching(/KIND.*\n.* websocket .* 1\/1 [^]*news, sport[^]*and 1 more/) });

  expect((await list('route=default/live')).connections).toHaveLength(2);
  expect((await list('route=default/liv')).connections).toHaveLength(0);
  expect((await list('kind=events&source=127.0.0.0/8')).connections).toHaveLength(1);
  expect((await list('source=10.0.0.0/8')).connections).toHaveLength(0);
  expect((await list('principal=alice')).connections).toHaveLength(0);
  expect(await up.weir('connections', 'inspect', first?.id ?? '')).toMatchObject({
    code: 0,
    output: expect.stringMatching(/path +\/chat/),
  });

  const close = await up.weir('connections', 'close', first?.id ?? '', '--code', '4001', '--reason', 'moved ✓');
  expect(close).toMatchObject({ code: 0, output: expect.stringContaining('closed 1 connection') });
  expect(await closed[0]).toEqual([4_001, Buffer.from('moved ✓')]);
  await up.printed(/"event":"connection_closed".*"note":"moved ✓".*"route":"HTTPRoute\/default\/app\/0"/);

  expect(await up.operate('DELETE', '/connections', { all: true })).toMatchObject({ status: 200, body: { connections: 3 } });
  expect(await closed[1]).toEqual([1_001, Buffer.from('')]);
  await until(() => events.destroyed && hubEvents.destroyed, 'the ends of the streams');
  expect((await list()).connections).toEqual([]);
  expect(other.destroyed).toBe(false);
  other.destroy();
});

test.each([
  [{}, 'all'],
  [{ all: true, id: 'a' }, 'all'],
  [{ all: true, code: 1006 }, 'code'],
  [{ all: true, reason: 'é'.repeat(62) }, 'reason'],
  [{ all: true, reason: '\n' }, 'reason'],
  [{ source: 'example' }, 'source'],
  [{ kind: 'udp' }, 'kind'],
])('refuses to close %j', async (body, field) => {
  expect(await up.operate('DELETE', '/connections', body)).toMatchObject({ status: 400, body: { errors: [{ field }] } });
});

test('refuses to list too many', async () => {
  expect(await up.operate('GET', '/connections?top=1001')).toMatchObject({ status: 400, body: { errors: [{ field: 'top' }] } });
});

test('closes nothing unless it is told what', async () => {
  expect(await up.weir('connections', 'close')).toMatchObject({ code: 2, output: expect.stringContaining('takes one ID, or flags') });
});

test('publishes to all subscribers of a hub once, at all workers', async () => {
  expect(await up.operate('GET', '/hubs')).toMatchObject({
    body: { hubs: [{ hub: 'default/live', store: 'Memory', messages: 100, ageMs: 300_000, maxMessageSize: 65_536 }] },
  });
  const sockets = [1, 2, 3, 4].map(() => new WebSocket(`ws://127.0.0.1:${up.port}/live?topic=alarms`));
  // The subscription may be told together with the handshake.
  const heard = sockets.map((socket) => {
    const texts: string[] = [];
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { readonly type: string; readonly data?: { readonly text: string } };
      texts.push(message.type === 'message' ? (message.data?.text ?? '') : message.type);
    });
    return texts;
  });
  await until(() => heard.every((texts) => texts.includes('subscribed')), 'the subscriptions');
  for (const text of ['fire', 'over']) {
    const { status, body } = await up.operate('POST', '/hubs/publish', { hub: 'default/live', topic: 'alarms', data: { text } });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { messages: [{ proxy: 'weir-up', id: expect.any(String) }], proxies: [{ outcome: 'done' }] },
    });
  }
  await until(() => heard.every((texts) => texts.includes('over')), 'the second message');
  expect(heard).toEqual(heard.map(() => ['subscribed', 'fire', 'over']));
  for (const socket of sockets) socket.terminate();
});

test.each([
  [{ hub: 'default/liv', topic: 'a', data: 1 }, 404],
  [{ hub: 'default/live', topic: '../a', data: 1 }, 400],
  [{ hub: 'default/live', topic: 'a'.repeat(201), data: 1 }, 400],
  [{ hub: 'default/live', topic: 'a', data: 'a'.repeat(65_536) }, 400],
  [{ hub: 'default/live', topic: 'a' }, 400],
])('refuses to publish %#', async (body, status) => {
  expect((await up.operate('POST', '/hubs/publish', body)).status).toBe(status);
});
