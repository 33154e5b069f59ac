// The PROXY protocol to backends: HAProxy, which requires the header, returns its content; and no connection that was made for one client
// ever carries requests of another.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { readProxyHeader } from '../../proxy/codec/proxy-protocol/read.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { blackhole } from '../support/blackhole.ts';
import { certified } from '../support/certified.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy } from '../support/fixture.ts';
import { startHaproxy } from '../support/haproxy.ts';
import type { Haproxy } from '../support/haproxy.ts';
import { status } from '../support/message.ts';
import { listener, LISTENER_PORT, route, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const NAME = 'app.test';
const BUNDLE = 'ConfigMap/default/ca';
const CLUSTER = 'Service/default/app/80';

const certificate = certified(`DNS:${NAME}`);

const text = (file: string): string => readFileSync(file, 'utf8');

function policy(version: string, target: Partial<ir.PolicyTarget> = {}): ir.Policy {
  const whole = { kind: 'Service', namespace: 'default', name: 'app', section: '', ...target };
  const name = `proxy-${whole.kind}-${whole.section}`.toLowerCase();
  const described = { kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, policyKind: 'BackendTrafficPolicy', name } as const;
  return { ...described, namespace: 'default', createdAt: 0, targets: [whole], settings: { proxyProtocol: version } };
}

/** A cluster with this port and TLS settings. */
function app(port: number, protocol: ir.ClusterProtocol = 'http1', secured = false): ir.Resource[] {
  const upstreamTls: ir.UpstreamTls = {
    ...{ serverName: NAME, subjectAltNames: [{ type: 'Hostname', value: NAME }] },
    authorities: [BUNDLE],
  };
  return [
    { kind: 'TrustBundle', key: BUNDLE, certificates: text(certificate.ca.certificate) },
    { kind: 'Cluster', key: CLUSTER, protocol, ...(secured ? { tls: upstreamTls } : {}) },
    { kind: 'Endpoints', key: CLUSTER, endpoints: [{ address: '127.0.0.1', port, draining: false }] },
  ];
}

function tlsListener(mode: 'Terminate' | 'Passthrough', protocol: 'HTTPS' | 'TLS'): ir.Resource[] {
  const secret: ir.Secret = {
    kind: 'Secret',
    key: 'default/app',
    certificate: text(certificate.files.certificate),
    privateKey: text(certificate.files.privateKey),
  };
  return [secret, listener({ protocol, tls: { mode, certificates: mode === 'Terminate' ? [secret.key] : [] } })];
}

const tlsRoute = (): ir.StreamRoute => streamRoute({ objectKind: 'TLSRoute', key: 'TLSRoute/default/stream/0' });

/** A request on a new connection: the body of the answer, and the local port. */
async function ask(proxy: Proxy, host: string, secured: boolean): Promise<{ readonly body: string; readonly port: number }> {
  const options = { port: proxy.port, host, servername: NAME, ca: text(certificate.ca.certificate), ALPNProtocols: ['http/1.1'] };
  const socket = secured ? tls.connect(options) : net.connect(options);
  closeLater(() => socket.destroy());
  await once(socket, secured ? 'secureConnect' : 'connect');
  const port = socket.localPort ?? 0;
  socket.write(`GET / HTTP/1.1\r\nHost: ${NAME}\r\nConnection: close\r\n\r\n`);
  let received = '';
  for await (const chunk of socket) received += String(chunk);
  return { body: received.slice(received.indexOf('\r\n\r\n') + 4).trim(), port };
}

describeWith(['haproxy'], 'HAProxy gets the address of the client', () => {
  let haproxy: Haproxy;
  beforeAll(async () => void (haproxy = await startHaproxy(certificate.files)));
  afterAll(() => haproxy.close());

  const WAYS = {
    'requests in HTTP/1.1': ({ plain }: Haproxy) => [...app(plain), listener(), route()],
    'requests in HTTP/2': ({ h2c }: Haproxy) => [...app(h2c, 'http2'), listener(), route()],
    'requests in HTTP/1.1 over TLS': (ports: Haproxy) => [...app(ports.tls, 'http1', true), listener(), route()],
    'requests in HTTP/2 over TLS': (ports: Haproxy) => [...app(ports.tls, 'http2', true), listener(), route()],
    'requests that came over TLS': ({ plain }: Haproxy) => [...app(plain), ...tlsListener('Terminate', 'HTTPS'), route()],
    'connections of a TCPRoute': ({ plain }: Haproxy) => [...app(plain), listener({ protocol: 'TCP' }), streamRoute()],
    'connections of a TCPRoute over TLS': (ports: Haproxy) => [
      ...app(ports.tls, 'http1', true),
      ...[listener({ protocol: 'TCP' }), streamRoute()],
    ],
    'connections of a TLSRoute that terminates': ({ plain }: Haproxy) => [
      ...app(plain),
      ...[...tlsListener('Terminate', 'TLS'), tlsRoute()],
    ],
    'connections of a TLSRoute that passes them through': (ports: Haproxy) => [
      ...app(ports.tls),
      ...[...tlsListener('Passthrough', 'TLS'), tlsRoute()],
    ],
  };
  const CASES = Object.entries(WAYS).flatMap(([what, resources]) =>
    ['V1', 'V2'].flatMap((version) => ['127.0.0.1', '::1'].map((host) => ({ what, resources, version, host }))),
  );

  test.each(CASES)('$version from $host: $what', async ({ what, resources, version, host }) => {
    const proxy = await openProxy([...resources(haproxy), policy(version)]);
    const secured = / TLSRoute | came over TLS/.test(what);
    const { body, port } = await ask(proxy, host, secured);
    const authority = secured && version === 'V2' ? ` ${NAME}` : '';
    expect(body).toBe(`${host} ${port} ${host} ${LISTENER_PORT}${authority}`);
  });
});

/** One connection to a backend of our own. */
interface Told {
  /** Address and port in its header; '' without one. */
  readonly client: string;
  readonly requests: string[];
  open: boolean;
}

/** A backend of HTTP/1.1 or HTTP/2 that reads a header, then serves; records the requests of each connection. */
async function openListening(protocol: 'http1' | 'http2'): Promise<{ readonly port: number; readonly told: readonly Told[] }> {
  const told: Told[] = [];
  const bySocket = new Map<unknown, Told>();
  const web = net.createServer();
  const inner = protocol === 'http2' ? http2.createServer() : null;
  inner?.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    bySocket.get(stream.session?.socket.remotePort)?.requests.push(String(headers[':path']));
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  web.on('connection', (socket: net.Socket) => {
    closeLater(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('data', (first: Buffer) => {
      const header = readProxyHeader(first);
      const peer = header.kind === 'header' ? header.peer : null;
      const entry: Told = { client: peer === null ? '' : `${peer.address} ${peer.port}`, requests: [], open: true };
      told.push(entry);
      socket.on('close', () => (entry.open = false));
      const rest = header.kind === 'header' ? first.subarray(header.length) : first;
      if (inner === null) return serveLines(socket, entry, rest);
      bySocket.set(socket.remotePort, entry);
      socket.pause();
      if (rest.length > 0) socket.unshift(rest);
      inner.emit('connection', socket);
    });
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  closeLater(() => web.close());
  return { port: (web.address() as net.AddressInfo).port, told };
}

function serveLines(socket: net.Socket, { requests }: Told, rest: Buffer): void {
  let text = '';
  const read = (chunk: Buffer): void => {
    text += chunk.latin1Slice();
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      requests.push(text.split(' ', 2)[1] ?? '');
      text = text.slice(end + 4);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    }
  };
  read(rest);
  socket.on('data', read);
}

const clientOf = (client: RawClient): string => `127.0.0.1 ${client.socket.localPort}`;

async function start(protocol: 'http1' | 'http2', limits: Partial<Limits> = {}) {
  const backend = await openListening(protocol);
  const proxy = await openProxy([...app(backend.port, protocol), listener(), route(), policy('V2')], limits);
  return { ...backend, proxy };
}

describe.each(['http1', 'http2'] as const)('over %s', (protocol) => {
  test('a connection carries the requests of one client only, and all its sequential ones', async () => {
    const { told, proxy } = await start(protocol);
    const clients = [await openClient(proxy.port), await openClient(proxy.port)];
    for (const path of ['/1', '/2', '/3']) {
      for (const [i, client] of clients.entries()) expect(status(await client.ask(get(`${path}-${i}`)))).toBe(200);
    }
    expect(told.map(({ client, requests }) => [client, requests])).toEqual(
      clients.map((client, i) => [clientOf(client), ['/1', '/2', '/3'].map((path) => `${path}-${i}`)]),
    );
  });

  test('the same client from another port counts as another client', async () => {
    const { told, proxy } = await start(protocol);
    for (let i = 0; i < 3; i++) {
      const client = await openClient(proxy.port);
      await client.ask(get());
      client.destroy();
    }
    expect(new Set(told.map(({ client }) => client)).size).toBe(3);
  });

  test('clients beyond the limit of the endpoint take the places of those that are idle', async () => {
    const { told, proxy } = await start(protocol, { maxConnectionsPerEndpoint: 2, poolIdleTimeout: 60_000 });
    const clients: RawClient[] = [];
    for (let i = 0; i < 5; i++) {
      clients.push(await openClient(proxy.port));
      expect(status(await (clients.at(-1) as RawClient).ask(get()))).toBe(200);
    }
    expect(told.map(({ client }) => client)).toEqual(clients.map(clientOf));
    await until(() => told.filter(({ open }) => open).length <= 2, 'no more connections than the limit');
    expect(proxy.metric('weir_upstream_connections_open')).toBeLessThanOrEqual(2);
  });

  test('no state is kept of disconnected clients', async () => {
    const { told, proxy } = await start(protocol, { poolIdleTimeout: 50 });
    for (let i = 0; i < 4; i++) await (await openClient(proxy.port)).ask(get());
    await until(() => told.every(({ open }) => !open), 'idle connections to close');
    await until(() => proxy.metric('weir_upstream_connections_open') === 0, 'none to be counted');
  });
});

test('the limit of requests that wait is that of the endpoint, not of each client', async () => {
  let heard = 0;
  const silent = net.createServer((socket) => socket.on('error', () => undefined).on('data', ({ length }) => (heard += length)));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  closeLater(() => silent.close());
  const { port } = silent.address() as net.AddressInfo;
  const limits = { maxConnectionsPerEndpoint: 1, maxPendingPerEndpoint: 1 };
  const proxy = await openProxy([...app(port), listener(), route(), policy('V1')], limits);
  const clients = await Promise.all([1, 2, 3].map(() => openClient(proxy.port)));
  const [first, second, third] = clients as [RawClient, RawClient, RawClient];
  first.write(get());
  await until(() => heard > 0, 'the first request at the backend');
  second.write(get());
  await until(() => proxy.metric('weir_upstream_requests_pending') === 1, 'the second to wait');
  expect(status(await third.ask(get()))).toBe(503);
});

test('an unreachable endpoint fails the request, also over TLS, and leaves no resources', async () => {
  const closed = net.createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as net.AddressInfo;
  await once(closed.close(), 'close');
  for (const secured of [false, true]) {
    const proxy = await openProxy([...app(port, 'http1', secured), listener(), route(), policy('V2')]);
    const client = await openClient(proxy.port);
    expect(status(await client.ask(get()))).toBe(502);
    expect(proxy.metric('weir_upstream_connections_open')).toBe(0);
  }
});

test('a connection attempt without an answer times out, and its socket is closed', async () => {
  const port = await blackhole();
  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  for (const secured of [false, true]) {
    const resources = [...app(port, 'http1', secured), listener(), route(), policy('V2')];
    const proxy = await openProxy(resources, { connectTimeout: 100, maxConnectAttempts: 1 });
    const client = await openClient(proxy.port);
    const before = sockets();
    expect(status(await client.ask(get()))).toBe(504);
    await until(() => sockets() <= before, 'the socket to be closed');
  }
});

test('a more specific policy disables it, and a changed one applies to the next request', async () => {
  const { told, proxy } = await start('http1');
  const client = await openClient(proxy.port);
  await client.ask(get('/with'));
  await proxy.worker.apply([policy('None', { kind: 'HTTPRoute', name: 'route' })], []);
  await client.ask(get('/without'));
  expect(told.map(({ client: named, requests }) => [named, requests])).toEqual([
    [clientOf(client), ['/with']],
    ['', ['/without']],
  ]);
});

test('a changed policy of a TCPRoute applies to the next connection', async () => {
  const backend = await openListening('http1');
  const target = { kind: 'TCPRoute', name: 'stream' };
  const proxy = await openProxy([...app(backend.port), listener({ protocol: 'TCP' }), streamRoute(), policy('V1', target)]);
  const first = await openClient(proxy.port);
  await first.ask(get('/with'));
  await proxy.worker.apply([], [{ kind: 'Policy', key: policy('V1', target).key }]);
  const second = await openClient(proxy.port);
  await second.ask(get('/without'));
  await first.ask(get('/again'));
  expect(backend.told.map(({ client, requests }) => [client, requests])).toEqual([
    [clientOf(first), ['/with', '/again']],
    ['', ['/without']],
  ]);
});
