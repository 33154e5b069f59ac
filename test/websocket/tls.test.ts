// WebSockets over TLS, from clients and to backends, in every combination of HTTP/1.1 and HTTP/2.
import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import type net from 'node:net';
import type tls from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import type * as ir from '#api/ir/ir.ts';
import { certified } from '../support/certified.ts';
import { closeAfterEach, closeLater, openProxy } from '../support/fixture.ts';
import { openSession, openStream } from '../support/h2-client.ts';
import { listener, ORIGIN, route } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { echo, openEcho, portOf, webSocketOn } from '../support/websocket.ts';

closeAfterEach();

const NAME = 'app.test';
const CLUSTER = 'Service/default/app/80';
const BUNDLE = 'ConfigMap/default/ca';

const certificate = certified(`DNS:${NAME}`);

const text = (file: string): string => readFileSync(file, 'utf8');
const keys = (): { cert: string; key: string } => ({ cert: text(certificate.files.certificate), key: text(certificate.files.privateKey) });

async function listening(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

const BACKENDS = {
  'HTTP/1.1': async () => portOf(await openEcho()),
  'HTTP/1.1 over TLS': async () => {
    const server = https.createServer(keys());
    new WebSocketServer({ server }).on('connection', (socket) => {
      closeLater(() => socket.terminate());
      echo(socket);
    });
    return listening(server);
  },
  'HTTP/2 over TLS': async () => {
    const server = http2.createSecureServer({ ...keys(), settings: { enableConnectProtocol: true } });
    server.on('stream', (stream: http2.ServerHttp2Stream) => {
      closeLater(() => stream.session?.destroy());
      stream.respond({ ':status': 200 });
      echo(webSocketOn(stream, 'server'));
    });
    return listening(server);
  },
} as const;

function resources(port: number, to: keyof typeof BACKENDS): ir.Resource[] {
  const upstreamTls: ir.UpstreamTls = {
    ...{ serverName: NAME, subjectAltNames: [{ type: 'Hostname', value: NAME }] },
    authorities: [BUNDLE],
  };
  const { cert, key } = keys();
  return [
    { kind: 'Secret', key: 'default/app', certificate: cert, privateKey: key },
    { kind: 'TrustBundle', key: BUNDLE, certificates: text(certificate.ca.certificate) },
    {
      ...{ kind: 'Cluster', key: CLUSTER, protocol: to === 'HTTP/2 over TLS' ? 'http2' : 'http1' },
      ...(to === 'HTTP/1.1' ? {} : { tls: upstreamTls }),
    },
    { kind: 'Endpoints', key: CLUSTER, endpoints: [{ address: '127.0.0.1', port, draining: false }] },
    listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/app'] } }),
    route(),
  ];
}

const CLIENTS = {
  'HTTP/1.1': async (port: number) => {
    const options: WebSocket.ClientOptions & tls.ConnectionOptions = {
      ca: text(certificate.ca.certificate),
      servername: NAME,
      headers: { host: NAME },
    };
    const socket = new WebSocket(`wss://127.0.0.1:${port}/`, options);
    closeLater(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  },
  'HTTP/2': async (port: number) => {
    const session = openSession(port, { ca: text(certificate.ca.certificate), servername: NAME }, true);
    await once(session, 'remoteSettings');
    expect(session.alpnProtocol).toBe('h2');
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const stream = openStream(
      session,
      { ':authority': NAME, ':method': 'CONNECT', ':protocol': 'websocket', 'sec-websocket-version': '13' },
      false,
    );
    const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
    expect(head[':status']).toBe(200);
    return webSocketOn(stream);
  },
} as const;

const CASES = (Object.keys(CLIENTS) as (keyof typeof CLIENTS)[]).flatMap((from) =>
  (Object.keys(BACKENDS) as (keyof typeof BACKENDS)[]).map((to) => ({ from, to })),
);

test.each(CASES)('$from over TLS to $to', async ({ from, to }) => {
  const proxy = await openProxy(resources(await BACKENDS[to](), to));
  const socket = await CLIENTS[from](proxy.port);
  for (const message of [Buffer.from('hello'), Buffer.alloc(1_000_000, 7), Buffer.alloc(0)]) {
    socket.send(message);
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    expect(bytes.equals(message)).toBe(true);
  }
  socket.close(4_001, 'enough');
  await until(() => proxy.metric('weir_requests_active') === 0, 'the end of the WebSocket');
  const metrics = await proxy.worker.registry.metrics();
  expect(metrics).toContain(`weir_websockets_closed_total{${ORIGIN},code="4xxx"} 1`);
  expect(metrics).toContain(`weir_websocket_messages_total{${ORIGIN},direction="received"} 3`);
  expect(metrics).toContain(`weir_websocket_messages_total{${ORIGIN},direction="sent"} 3`);
});
