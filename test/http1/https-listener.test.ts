// HTTP over TLS through a whole worker: the codec works the same as without TLS.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { certified } from '../support/certified.ts';
import { closeAfterEach, closeLater, openProxy, openUpstream } from '../support/fixture.ts';
import { header } from '../support/message.ts';
import { cluster, listener, LISTENER_PORT, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const certificate = certified('DNS:a.test,DNS:b.test');

function https(name: string, hostname: string): ir.Listener {
  return listener({
    key: `default/gateway/${name}`,
    hostname,
    protocol: 'HTTPS',
    tls: { mode: 'Terminate', certificates: ['default/cert'] },
  });
}

async function open(upstreamPort: number): Promise<Proxy> {
  const attachments = ['a', 'b'].map((name) => ({ listener: `default/gateway/${name}`, hostnames: [`${name}.test`] }));
  return openProxy([
    certificate.secret,
    https('a', 'a.test'),
    https('b', 'b.test'),
    ...cluster('app', [upstreamPort]),
    route({ attachments }),
  ]);
}

async function connect(proxy: Proxy, servername = 'a.test'): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port: proxy.port, servername, ca: readFileSync(certificate.ca.certificate) });
  closeLater(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function readAll(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.resume();
  await once(socket, 'close');
  return text;
}

describe('HTTP/1.1 over TLS', () => {
  test('several requests on one connection, and the scheme upstream', async () => {
    const upstream = await openUpstream((request) => ok(request.startLine));
    const proxy = await open(upstream.port);
    const socket = await connect(proxy);
    socket.write('GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    const answers = await readAll(socket);
    expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(answers).toMatch(/GET \/1 HTTP[^]*GET \/2 HTTP/);
    expect(header(upstream.requests[0]!, 'x-forwarded-proto')).toBe('https');
  });

  test('a host that belongs to another listener than the name of the handshake is misdirected', async () => {
    const upstream = await openUpstream(() => ok('no'));
    const socket = await connect(await open(upstream.port), 'a.test');
    socket.write('GET / HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 421 /);
    expect(upstream.requests).toHaveLength(0);
  });

  test('a slow reader that has closed its side gets a large body completely', async () => {
    const body = 'x'.repeat(8 << 20);
    const upstream = await openUpstream(() => ok(body));
    const proxy = await open(upstream.port);
    const socket = await connect(proxy);
    socket.pause();
    socket.end('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await until(() => upstream.requests.length === 1, 'request upstream');
    const answer = await readAll(socket);
    // Interim answers may come first: the proxy checks whether the peer is still connected.
    const last = answer.slice(answer.lastIndexOf('HTTP/1.1 200'));
    expect(last.length - last.indexOf('\r\n\r\n') - 4).toBe(body.length);
    await proxy.quiet();
  });

  test('a reset during an answer leaves no resources', async () => {
    const upstream = await openUpstream(() => ok('x'.repeat(8 << 20)));
    const proxy = await open(upstream.port);
    const raw = net.connect(proxy.port, '127.0.0.1');
    raw.on('error', () => undefined);
    const socket = tls.connect({ socket: raw, servername: 'a.test', ca: readFileSync(certificate.ca.certificate) });
    socket.on('error', () => undefined);
    closeLater(() => socket.destroy());
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await once(socket, 'data');
    raw.resetAndDestroy();
    await proxy.quiet();
    await until(() => proxy.worker.timers === 0, 'released');
  });

  test('the bound port may differ from the port of the listener', async () => {
    const upstream = await openUpstream(() => ok('the backend'));
    const proxy = await open(upstream.port);
    expect(proxy.port).not.toBe(LISTENER_PORT);
    const socket = await connect(proxy);
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    expect(await readAll(socket)).toContain('the backend');
  });
});

describe('a connection that ends is counted no more', () => {
  const ENDS: readonly (readonly [string, (socket: tls.TLSSocket, raw: net.Socket) => unknown])[] = [
    ['by close_notify', (socket) => socket.end()],
    ['by a close at once', (socket) => socket.destroy()],
    ['by a reset', (_, raw) => raw.resetAndDestroy()],
    ['by an end of TCP alone', (_, raw) => raw.end()],
    ['by a record that cannot be read', (_, raw) => raw.write(Buffer.from([0x17, 3, 3, 0, 4, 1, 2, 3, 4]))],
    ['by the answer', (socket) => socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')],
    ['by a close with an answer under way', (socket) => socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', () => socket.destroy())],
  ];

  test.each(ENDS)('%s', async (_, end) => {
    const upstream = await openUpstream(ok());
    const proxy = await open(upstream.port);
    for (let i = 0; i < 5; i++) {
      const raw = net.connect(proxy.port, '127.0.0.1').on('error', () => undefined);
      const socket = tls.connect({ socket: raw, servername: 'a.test', ca: readFileSync(certificate.ca.certificate) });
      closeLater(() => [socket, raw].forEach((each) => each.destroy()));
      socket.on('error', () => undefined).resume();
      await once(socket, 'secureConnect');
      expect(proxy.metric('weir_downstream_connections_active')).toBe(1);
      end(socket, raw);
      await until(() => proxy.metric('weir_downstream_connections_active') === 0, 'the end of the connection');
    }
  });
});
