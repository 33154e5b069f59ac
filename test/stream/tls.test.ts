// Connections of a TLS listener: selected by server name, passed through or terminated.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import type { MetricJson } from '#lib/metric.ts';
import { TestCa } from '../support/certificates.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { backend, cluster, listener, route, streamBackend, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { readSlowly } from '../support/slow-reader.ts';
import { until } from '../support/until.ts';

closeAfterEach();

let ca: TestCa;
/** By name: the backend that terminates TLS. */
const keys = new Map<string, { readonly cert: Buffer; readonly key: Buffer }>();

beforeAll(async () => {
  ca = await TestCa.create();
  for (const name of ['a.test', 'b.test', 'web.test']) {
    const { certificate, privateKey } = await ca.issue(name, `DNS:${name},DNS:*.${name}`);
    keys.set(name, { cert: readFileSync(certificate), key: readFileSync(privateKey) });
  }
});

afterAll(() => ca.remove());

/** A backend that terminates TLS as `name`, greets with it, and then echoes. */
async function openTlsBackend(name: string): Promise<number> {
  const server = tls.createServer({ ...keys.get(name), allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name} for ${String(socket.servername)}\n`);
    socket.pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

function tlsListener(name: string, hostname: string, mode: 'Passthrough' | 'Terminate', certificates: string[] = []): ir.Listener {
  return listener({ key: `default/gateway/${name}`, protocol: 'TLS', hostname, tls: { mode, certificates } });
}

function tlsRoute(name: string, listenerName: string, hostnames: string[], fields: Partial<ir.StreamRoute> = {}): ir.StreamRoute {
  return streamRoute({
    ...{ name, objectKind: 'TLSRoute', key: `TLSRoute/default/${name}/0`, backends: [streamBackend(name)] },
    attachments: [{ listener: `default/gateway/${listenerName}`, hostnames }],
    ...fields,
  });
}

function secret(name: string): ir.Secret {
  const { cert, key } = keys.get(name) as { cert: Buffer; key: Buffer };
  return { kind: 'Secret', key: `default/${name}`, certificate: String(cert), privateKey: String(key) };
}

interface Outcome {
  readonly text: string;
  /** Name in the certificate. */
  readonly subject: string;
  readonly alpn: string | false | null;
}

/** Makes a handshake for a name and returns the first bytes; rejects on an alert or reset. */
async function ask(proxy: Proxy, servername: string, options: tls.ConnectionOptions = {}): Promise<Outcome> {
  const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', servername, rejectUnauthorized: false, ...options });
  closeLater(() => socket.destroy());
  await once(socket, 'secureConnect');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return { text: String(chunk), subject: String(socket.getPeerCertificate().subject['CN']), alpn: socket.alpnProtocol };
}

function samples(proxy: Proxy, name: string): Record<string, number> {
  const family = proxy.worker.registry.getSingleMetric(name) as unknown as { get(): MetricJson };
  return Object.fromEntries(family.get().values.map(({ labels, value }) => [String(Object.values(labels).at(-1) ?? ''), value]));
}

/** The ClientHello of Node for a name, short: with a key share of 32 bytes. */
async function clientHello(servername: string): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(() => server.close());
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const client = tls.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', servername, ecdhCurve: 'X25519' });
  client.on('error', () => undefined);
  const [socket] = await accepted;
  const [hello] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  client.destroy();
  return hello;
}

describe('passthrough', () => {
  test('the most specific host name decides, end to end with the certificate of the backend', async () => {
    const [a, b] = [await openTlsBackend('a.test'), await openTlsBackend('b.test')];
    const proxy = await openProxy([
      tlsListener('pass', '', 'Passthrough'),
      ...[...cluster('exact', [a]), ...cluster('wild', [b])],
      tlsRoute('exact', 'pass', ['x.a.test', 'c.test']),
      tlsRoute('wild', 'pass', ['*.a.test', '*.test']),
    ]);
    expect(await ask(proxy, 'x.a.test')).toMatchObject({ text: 'a.test for x.a.test\n', subject: 'a.test' });
    expect(await ask(proxy, 'y.a.test')).toMatchObject({ text: 'b.test for y.a.test\n', subject: 'b.test' });
    expect(await ask(proxy, 'C.test')).toMatchObject({ subject: 'a.test' });
    expect(await ask(proxy, 'deep.down.d.test')).toMatchObject({ subject: 'b.test' });
  });

  test('an unknown name and a missing name are refused by closing', async () => {
    const a = await openTlsBackend('a.test');
    const proxy = await openProxy([
      tlsListener('pass', '*.test', 'Passthrough'),
      ...cluster('app', [a]),
      tlsRoute('app', 'pass', ['a.test']),
    ]);
    for (const name of ['b.test', 'elsewhere.example', '']) {
      await expect(ask(proxy, name)).rejects.toMatchObject({ code: 'ECONNRESET' });
    }
    const client = await openClient(proxy.port);
    client.write(await clientHello('b.test'));
    await client.over();
    expect(client.received).toBe('');
    await until(() => samples(proxy, 'weir_tls_handshakes_total')['unknown_name'] === 4, 'the count');
    await proxy.quiet();
  });

  test('a hello reaches the backend unchanged, for any split', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.once('end', () => socket.end()) });
    const proxy = await openProxy([
      tlsListener('pass', '', 'Passthrough'),
      ...cluster('app', [upstream.port]),
      tlsRoute('app', 'pass', ['a.test']),
    ]);
    const hello = await clientHello('a.test');
    const whole = `${hello.latin1Slice()}and what follows`;
    for (let at = 1; at < hello.length; at++) {
      const client = await openClient(proxy.port);
      client.socket.write(hello.subarray(0, at));
      await turn();
      client.write(whole.slice(at));
      client.end();
      await client.over();
      client.destroy();
    }
    expect(upstream.connections.length).toBe(hello.length - 1);
    expect(upstream.connections.filter(({ received }) => received !== whole).length).toBe(0);
  });

  test('a hello may come byte by byte', async () => {
    const a = await openTlsBackend('a.test');
    const proxy = await openProxy([tlsListener('pass', '', 'Passthrough'), ...cluster('app', [a]), tlsRoute('app', 'pass', ['a.test'])]);
    const relay = net.createServer({ noDelay: true }, (socket) => {
      const upstream = net.connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
      upstream.pipe(socket).on('error', () => undefined);
      upstream.on('error', () => undefined);
      socket.once('data', (chunk: Buffer) => {
        socket.pause();
        const trickle = async (): Promise<void> => {
          for (const byte of chunk) {
            upstream.write(Buffer.of(byte));
            await turn();
          }
          socket.pipe(upstream);
        };
        void trickle();
      });
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    closeLater(() => relay.close());
    const port = (relay.address() as net.AddressInfo).port;
    expect(await ask(proxy, 'a.test', { port })).toMatchObject({ text: 'a.test for a.test\n' });
  });

  test('bytes other than TLS, and an endless hello, are closed', async () => {
    const upstream = await openUpstream();
    const resources = [tlsListener('pass', '', 'Passthrough'), ...cluster('app', [upstream.port]), tlsRoute('app', 'pass', ['a.test'])];
    const proxy = await openProxy(resources, { tlsHandshakeTimeout: 100 });
    const garbage = await openClient(proxy.port);
    garbage.write('\x00\x01\x02\x03\x04\x05');
    const silent = await openClient(proxy.port);
    silent.write((await clientHello('a.test')).subarray(0, 50));
    await Promise.all([garbage.over(), silent.over()]);
    expect(samples(proxy, 'weir_tls_handshakes_total')).toEqual({ not_tls: 1, timeout: 1 });
    expect(upstream.connections).toEqual([]);
    await proxy.quiet();
  });

  test('an endpoint that is down resets the connection, and the code is counted', async () => {
    const proxy = await openProxy([tlsListener('pass', '', 'Passthrough'), ...cluster('app', []), tlsRoute('app', 'pass', ['a.test'])]);
    await expect(ask(proxy, 'a.test')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({ no_endpoints: 1 });
  });
});

describe('terminate', () => {
  test('the backend gets the decrypted bytes, and no protocol is selected by ALPN', async () => {
    const upstream = await openUpstream({
      connected: ({ socket }) => {
        socket.write('hello ');
        socket.pipe(socket);
      },
    });
    const proxy = await openProxy([
      secret('a.test'),
      tlsListener('own', '*.test', 'Terminate', ['default/a.test']),
      ...cluster('app', [upstream.port]),
      tlsRoute('app', 'own', ['a.test']),
    ]);
    const socket = tls.connect({
      port: proxy.port,
      host: '127.0.0.1',
      servername: 'a.test',
      ca: readFileSync(ca.certificate),
      ALPNProtocols: ['x'],
    });
    closeLater(() => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(false);
    socket.end('world');
    await once(socket, 'end');
    expect(text).toBe('hello world');
    await proxy.quiet();
    expect(samples(proxy, 'weir_stream_failures_total')).toEqual({});
    await expect(ask(proxy, 'b.test')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('megabytes pass both ways at the pace of the reader', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.pipe(socket), keep: false });
    const proxy = await openProxy([
      secret('a.test'),
      tlsListener('own', '', 'Terminate', ['default/a.test']),
      ...cluster('app', [upstream.port]),
      tlsRoute('app', 'own', ['a.test']),
    ]);
    const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', servername: 'a.test', ca: readFileSync(ca.certificate) });
    closeLater(() => socket.destroy());
    await once(socket, 'secureConnect');
    const sent = randomBytes(16 * 1024 * 1024);
    socket.end(sent);
    expect(await readSlowly(socket)).toBe(createHash('sha256').update(sent).digest('hex'));
  });
});

describe('several listeners on one port', () => {
  test('the name selects among HTTPS, terminated TLS and passed-through TLS', async () => {
    const [pass, plain, web] = [
      await openTlsBackend('b.test'),
      await openUpstream({ connected: ({ socket }) => socket.write('plain') }),
      await openUpstream(({ startLine }) => ok(startLine)),
    ];
    const proxy = await openProxy([
      ...[secret('a.test'), secret('web.test')],
      listener({
        key: 'default/gateway/web',
        protocol: 'HTTPS',
        hostname: 'web.test',
        tls: { mode: 'Terminate', certificates: ['default/web.test'] },
      }),
      tlsListener('own', 'a.test', 'Terminate', ['default/a.test']),
      tlsListener('pass', '*.test', 'Passthrough'),
      ...[...cluster('web', [web.port]), ...cluster('plain', [plain.port]), ...cluster('pass', [pass])],
      route({ attachments: [{ listener: 'default/gateway/web', hostnames: ['web.test'] }], backends: [backend('web')] }),
      tlsRoute('plain', 'own', ['a.test']),
      // Even a route for the name of the other listener does not get its traffic (listener isolation).
      tlsRoute('pass', 'pass', ['*.test', 'web.test']),
    ]);
    expect(await ask(proxy, 'a.test')).toMatchObject({ text: 'plain', subject: 'a.test' });
    expect(await ask(proxy, 'b.test')).toMatchObject({ text: 'b.test for b.test\n', subject: 'b.test' });
    const secure = tls.connect({ port: proxy.port, host: '127.0.0.1', servername: 'web.test', ca: readFileSync(ca.certificate) });
    closeLater(() => secure.destroy());
    await once(secure, 'secureConnect');
    secure.write(get('/x').replace('Host: a', 'Host: web.test'));
    const [answer] = (await once(secure, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 OK[^]*GET \/x HTTP\/1\.1$/);
    secure.write(get('/x').replace('Host: a', 'Host: b.test'));
    const [misdirected] = (await once(secure, 'data')) as [Buffer];
    expect(String(misdirected)).toMatch(/^HTTP\/1\.1 421 /);
    await expect(ask(proxy, 'elsewhere.example')).rejects.toMatchObject({ code: expect.stringMatching(/UNRECOGNIZED_NAME/) });
  });

  test('of two listeners with conflicting modes for one name the second has a problem', async () => {
    const proxy = await openProxy([tlsListener('a', 'a.test', 'Passthrough')]);
    const errors = await proxy.worker.apply([secret('a.test'), tlsListener('b', 'a.test', 'Terminate', ['default/a.test'])], []);
    expect(errors).toEqual([
      {
        kind: 'Listener',
        key: 'default/gateway/b',
        field: '',
        reason: 'ProtocolConflict: listener default/gateway/a has the same connections of port 80',
      },
    ]);
  });
});
