// TLS to backends, with servers of node:tls and node:http2: first the backends that the proxy refuses.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy } from '../support/fixture.ts';
import { listener, route, streamRoute, LISTENER_PORT } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { status } from '../support/message.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const text = (file: string) => readFileSync(file, 'utf8');
const pem = (files: IssuedFiles) => ({ cert: text(files.certificate), key: text(files.privateKey) });
const secret = (key: string, files: IssuedFiles): ir.Secret => ({
  ...{ kind: 'Secret', key, certificate: text(files.certificate), privateKey: text(files.privateKey) },
});

let [ca, stranger]: TestCa[] = [];
const issued: Record<string, IssuedFiles> = {};
beforeAll(async () => {
  [ca, stranger] = [await TestCa.create(), await TestCa.create()];
  issued['good'] = await ca.issue('good', 'DNS:app.test,URI:spiffe://test/app');
  issued['wild'] = await ca.issue('wild', 'DNS:*.apps.test');
  issued['other'] = await ca.issue('app.test', 'DNS:other.test');
  issued['common name only'] = await ca.issue('app.test', '');
  issued['expired'] = await ca.issueAs('app.test', { names: 'DNS:app.test', hours: [-48, -1] });
  issued['early'] = await ca.issueAs('app.test', { names: 'DNS:app.test', hours: [1, 48] });
  issued['foreign'] = await stranger.issue('app.test', 'DNS:app.test');
  issued['for clients'] = await ca.issueAs('app.test', { names: 'DNS:app.test', extensions: ['extendedKeyUsage=clientAuth'] });
  issued['gateway'] = await ca.issueAs('gateway', { names: 'URI:spiffe://test/gateway' });
  issued['gateway 2'] = await ca.issueAs('gateway 2', { names: 'URI:spiffe://test/gateway' });
});
afterAll(async () => {
  await ca?.remove();
  await stranger?.remove();
});

const bundle = (...authorities: (TestCa | undefined)[]): ir.TrustBundle => ({
  kind: 'TrustBundle',
  key: 'ConfigMap/default/ca',
  certificates: authorities.map((authority) => text(authority?.certificate ?? '')).join(''),
});

const DEFAULT: ir.UpstreamTls = {
  serverName: 'app.test',
  subjectAltNames: [{ type: 'Hostname', value: 'app.test' }],
  authorities: ['ConfigMap/default/ca'],
};

/** A route to a backend with TLS. */
function resources(port: number, upstreamTls: Partial<ir.UpstreamTls> = {}, protocol: ir.ClusterProtocol = 'http1'): ir.Resource[] {
  const key = 'Service/default/app/80';
  return [
    bundle(ca),
    { kind: 'Cluster', key, protocol, tls: { ...DEFAULT, ...upstreamTls } },
    { kind: 'Endpoints', key, endpoints: [{ address: '127.0.0.1', port, draining: false }] },
    listener(),
    route(),
  ];
}

/** A server of HTTP/1.1 that answers with the facts about its peer, and records its requests and handshakes. */
class Backend {
  readonly heard: string[] = [];
  readonly peers: string[] = [];
  readonly names: (string | false)[] = [];
  resumed = 0;
  readonly server: tls.Server;

  constructor(files: IssuedFiles, options: tls.TlsOptions = {}) {
    this.server = tls.createServer({ ...pem(files), ALPNProtocols: ['http/1.1'], ...options }, (socket) => {
      if (socket.isSessionReused()) this.resumed++;
      this.names.push(socket.servername ?? '');
      const subject = socket.getPeerX509Certificate()?.subject ?? 'nobody';
      this.peers.push(subject);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        this.heard.push(String(chunk));
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${subject.length}\r\n\r\n${subject}`);
      });
    });
  }

  async listen(): Promise<number> {
    this.server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    closeLater(() => this.server.close());
    await once(this.server, 'listening');
    return (this.server.address() as net.AddressInfo).port;
  }
}

async function ask(proxy: Proxy, headers = ''): Promise<{ status: number; body: string }> {
  const client = await openClient(proxy.port);
  const answer = await client.ask(get('/', `${headers}Connection: close\r\n`));
  client.destroy();
  return { status: status(answer), body: answer.body };
}

/** The code of the answer to a request that fails. */
async function failure(setup: readonly ir.Resource[], limits: Partial<Limits> = {}): Promise<string> {
  const proxy = await openProxy(setup, limits);
  const answer = await ask(proxy);
  const { code } = JSON.parse(answer.body) as { code: string };
  await proxy.quiet();
  await until(() => proxy.worker.timers === 0, 'nothing left');
  return `${answer.status} ${code}`;
}

const FAILED = '502 upstream_tls_failed';

describe('refuses, before a byte of the request leaves', () => {
  test.each(['other', 'common name only', 'expired', 'early', 'foreign', 'for clients'])(
    'a backend whose certificate is: %s',
    async (name) => {
      const backend = new Backend(issued[name]!);
      expect(await failure(resources(await backend.listen()))).toBe(FAILED);
      expect(backend.heard).toEqual([]);
    },
  );

  test('a backend with a self-signed certificate', async () => {
    const own = { ca: '', certificate: stranger!.certificate, privateKey: `${stranger!.folder}/ca.key` };
    const backend = new Backend(own);
    expect(await failure(resources(await backend.listen()))).toBe(FAILED);
    expect(backend.heard).toEqual([]);
  });

  test.each([
    ['another URI', { type: 'URI', value: 'spiffe://test/other' }],
    ['the beginning of the URI', { type: 'URI', value: 'spiffe://test/ap' }],
    ['a host name that is a URI there', { type: 'Hostname', value: 'test' }],
  ] as const)('a certificate without %s, although the host name is right', async (_, name) => {
    const backend = new Backend(issued['good']!);
    expect(await failure(resources(await backend.listen(), { subjectAltNames: [name] }))).toBe(FAILED);
    expect(backend.heard).toEqual([]);
  });

  test('a URI that is only the text of another kind of name', async () => {
    const files = await ca!.issueAs('tricky', { names: '@alt', extensions: ['[alt]', 'DNS.1=x, URI:spiffe://test/app'] });
    expect(new X509Certificate(text(files.certificate)).subjectAltName).toContain('URI:spiffe://test/app');
    const backend = new Backend(files);
    expect(await failure(resources(await backend.listen(), { subjectAltNames: [{ type: 'URI', value: 'spiffe://test/app' }] }))).toBe(
      FAILED,
    );
    expect(backend.heard).toEqual([]);
  });

  test('every backend if no CA is known', async () => {
    const backend = new Backend(issued['good']!);
    const port = await backend.listen();
    expect(await failure(resources(port, { authorities: [] }))).toBe(FAILED);
    expect(await failure(resources(port, { authorities: ['ConfigMap/default/absent'] }))).toBe(FAILED);
    expect(await failure(resources(port, { authorities: 'System' }))).toBe(FAILED);
    expect(backend.heard).toEqual([]);
  });

  test('a backend that speaks plain HTTP, and sends it nothing in the clear', async () => {
    const heard: Buffer[] = [];
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => heard.push(chunk));
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    server.listen(0, '127.0.0.1');
    closeLater(() => server.close());
    await once(server, 'listening');
    expect(await failure(resources((server.address() as net.AddressInfo).port))).toBe(FAILED);
    expect(Buffer.concat(heard).toString('latin1')).not.toContain('HTTP/1.1');
  });

  test('a backend that closes amid the handshake', async () => {
    const server = net.createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end()));
    server.listen(0, '127.0.0.1');
    closeLater(() => server.close());
    await once(server, 'listening');
    expect(await failure(resources((server.address() as net.AddressInfo).port))).toBe(FAILED);
  });

  test('a backend that never finishes the handshake, in time', async () => {
    const server = net.createServer((socket) => socket.on('error', () => undefined));
    server.listen(0, '127.0.0.1');
    closeLater(() => server.close());
    await once(server, 'listening');
    const port = (server.address() as net.AddressInfo).port;
    expect(await failure(resources(port), { connectTimeout: 200 })).toBe('504 upstream_connect_timeout');
  });

  test('a backend that does not agree on HTTP/2', async () => {
    for (const options of [{ ALPNProtocols: ['http/1.1'] }, { ALPNProtocols: undefined as never }]) {
      const backend = new Backend(issued['good']!, options);
      expect(await failure(resources(await backend.listen(), {}, 'http2'))).toBe(FAILED);
    }
  });

  test('versions that the policy leaves out', async () => {
    const backend = new Backend(issued['good']!, { maxVersion: 'TLSv1.2' });
    expect(await failure(resources(await backend.listen(), { settings: { minVersion: '1.3' } }))).toBe(FAILED);
  });

  test('an unreachable backend does not count as a failure of TLS', async () => {
    const port = await new Backend(issued['good']!).listen();
    const free = net.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const closed = (free.address() as net.AddressInfo).port;
    await once(free.close(), 'close');
    expect(await failure(resources(closed))).toBe('502 upstream_connect_failed');
    expect(port).toBeGreaterThan(0);
  });
});

describe('talks to', () => {
  test.each([
    ['the host name', 'good', [{ type: 'Hostname', value: 'app.test' }]],
    ['a wildcard', 'wild', [{ type: 'Hostname', value: 'a.apps.test' }]],
    ['a wildcard that is asked for', 'wild', [{ type: 'Hostname', value: '*.apps.test' }]],
    ['a URI', 'good', [{ type: 'URI', value: 'spiffe://test/app' }]],
    [
      'any of several names',
      'good',
      [
        { type: 'URI', value: 'spiffe://test/x' },
        { type: 'Hostname', value: 'app.test' },
      ],
    ],
  ] satisfies [string, string, ir.SubjectAltName[]][])('a backend whose certificate has %s', async (_, name, subjectAltNames) => {
    const backend = new Backend(issued[name]!);
    const proxy = await openProxy(resources(await backend.listen(), { subjectAltNames }));
    expect((await ask(proxy)).status).toBe(200);
    expect(backend.names).toEqual(['app.test']);
    expect(backend.heard.join()).toContain('GET / HTTP/1.1');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a backend of %s, and resumes its session on the next connection', async (version) => {
    const backend = new Backend(issued['good']!, { minVersion: version, maxVersion: version });
    const port = await backend.listen();
    const proxy = await openProxy(resources(port), { maxIdlePerEndpoint: 0 });
    for (let i = 0; i < 3; i++) expect((await ask(proxy)).status).toBe(200);
    expect([backend.peers.length, backend.resumed]).toEqual([3, 2]);
  });

  test('a backend of HTTP/2', async () => {
    const server = http2.createSecureServer(pem(issued['good']!), (request, response) => response.end(request.scheme));
    server.listen(0, '127.0.0.1');
    closeLater(() => server.close());
    await once(server, 'listening');
    const proxy = await openProxy(resources((server.address() as net.AddressInfo).port, {}, 'http2'));
    expect(await ask(proxy)).toMatchObject({ status: 200, body: expect.stringContaining('https') });
  });

  test('a large body both ways, to a slow reader', async () => {
    const backend = tls.createServer({ ...pem(issued['good']!) }, (socket) => {
      let received = 0;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > 4 << 20) {
          received = -Infinity;
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${8 << 20}\r\n\r\n`);
          socket.write(Buffer.alloc(8 << 20));
        }
      });
    });
    backend.listen(0, '127.0.0.1');
    closeLater(() => backend.close());
    await once(backend, 'listening');
    const proxy = await openProxy(resources((backend.address() as net.AddressInfo).port));
    const client = await openClient(proxy.port, false);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${4 << 20}\r\n\r\n`);
    client.write('x'.repeat(4 << 20));
    await client.over();
    expect(client.octets).toBeGreaterThan(8 << 20);
  });
});

describe('presents the certificate of the Gateway', () => {
  const mutual = { requestCert: true, rejectUnauthorized: true };
  let backend: Backend;
  let setup: ir.Resource[];
  beforeEach(async () => {
    backend = new Backend(issued['good']!, { ...mutual, ca: text(ca!.certificate) });
    setup = resources(await backend.listen()).filter(({ kind }) => kind !== 'Listener');
  });

  test('to backends that request one', async () => {
    const proxy = await openProxy([
      ...setup,
      secret('default/gateway', issued['gateway']!),
      listener({ clientCertificate: 'default/gateway' }),
    ]);
    expect(await ask(proxy)).toEqual({ status: 200, body: 'CN=gateway' });
  });

  test('and none if there is none, or it is deleted', async () => {
    const proxy = await openProxy([...setup, listener({ clientCertificate: 'default/gateway' })]);
    expect((await ask(proxy)).status).toBe(502);
    expect(backend.heard).toEqual([]);
  });

  test('the one of its own Gateway only', async () => {
    const [mine, others] = ['mine', 'others'].map((name) =>
      listener({ key: `default/${name}/http`, gateway: `default/${name}`, hostname: `${name}.test` }),
    );
    const attachments = ['mine', 'others'].map((name) => ({ listener: `default/${name}/http`, hostnames: [`${name}.test`] }));
    const proxy = await openProxy([
      ...setup.filter(({ kind }) => kind !== 'Route'),
      secret('default/gateway', issued['gateway']!),
      { ...mine!, clientCertificate: 'default/gateway' },
      others!,
      route({ attachments }),
    ]);
    const via = async (host: string): Promise<number> => {
      const client = await openClient(proxy.port);
      return status(await client.ask(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
    };
    expect([await via('mine.test'), await via('others.test'), await via('mine.test')]).toEqual([200, 502, 200]);
  });
});

describe('a change under traffic', () => {
  test('of the certificate or the authorities takes new connections and fails no request', async () => {
    const backend = new Backend(issued['good']!, { requestCert: true, rejectUnauthorized: true, ca: text(ca!.certificate) });
    const setup = resources(await backend.listen()).filter(({ kind }) => kind !== 'Listener');
    const proxy = await openProxy([
      ...setup,
      secret('default/gateway', issued['gateway']!),
      listener({ clientCertificate: 'default/gateway' }),
    ]);
    const seen = new Set<number>();
    let going = true;
    const traffic = Array.from({ length: 4 }, async () => {
      while (going) seen.add((await ask(proxy)).status);
    });
    for (let round = 0; round < 10; round++) {
      const [name, authorities] = round % 2 === 0 ? ['gateway 2', [ca, stranger]] : ['gateway', [ca]];
      await proxy.worker.apply([secret('default/gateway', issued[name as string]!), bundle(...(authorities as TestCa[]))], []);
      expect(await ask(proxy)).toEqual({ status: 200, body: `CN=${name as string}` });
    }
    going = false;
    await Promise.all(traffic);
    expect([...seen]).toEqual([200]);
    // A removed CA is no longer trusted, also for existing connections and sessions.
    await proxy.worker.apply([bundle(stranger)], []);
    expect((await ask(proxy)).status).toBe(502);
  });

  test('of the policy from plain to TLS leaves no plain connection in use', async () => {
    const backend = new Backend(issued['good']!);
    const secured = resources(await backend.listen());
    const proxy = await openProxy(
      secured.map((each) => (each.kind === 'Cluster' ? { kind: 'Cluster', key: each.key, protocol: 'http1' } : each)),
    );
    expect((await ask(proxy)).status).toBe(502);
    await proxy.worker.apply(secured, []);
    expect((await ask(proxy)).status).toBe(200);
  });
});

describe('connections of stream routes', () => {
  const tcp = (port: number, upstreamTls: Partial<ir.UpstreamTls> = {}): ir.Resource[] => [
    ...resources(port, upstreamTls, 'tcp').filter(({ kind }) => kind !== 'Listener' && kind !== 'Route'),
    listener({ protocol: 'TCP' }),
    streamRoute(),
  ];

  test('are secured too', async () => {
    const backend = new Backend(issued['good']!);
    const proxy = await openProxy(tcp(await backend.listen()));
    const client = await openClient(proxy.worker.boundPort(LISTENER_PORT) ?? 0);
    client.write('GET / HTTP/1.1\r\n\r\n');
    await until(() => backend.heard.length > 0, 'heard');
    expect(backend.names).toEqual(['app.test']);
  });

  test('offer no protocol by ALPN, since their protocol is unknown', async () => {
    const backend = new Backend(issued['good']!, { ALPNProtocols: ['postgresql'] });
    const proxy = await openProxy(tcp(await backend.listen()));
    const client = await openClient(proxy.port);
    client.write('hello');
    await until(() => backend.heard.includes('hello'), 'heard');
  });

  describe('present the certificate of the Gateway', () => {
    const mutual = { requestCert: true, rejectUnauthorized: true };
    const withIdentity = (setup: readonly ir.Resource[], name = 'gateway'): ir.Resource[] => [
      ...setup.map((each) => (each.kind === 'Listener' ? { ...each, clientCertificate: 'default/gateway' } : each)),
      secret('default/gateway', issued[name]!),
    ];

    test('and the new one after a change', async () => {
      const backend = new Backend(issued['good']!, { ...mutual, ca: text(ca!.certificate) });
      const setup = tcp(await backend.listen());
      const proxy = await openProxy(withIdentity(setup));
      const first = await openClient(proxy.port);
      expect((await first.ask(get())).body).toBe('CN=gateway');
      await proxy.worker.apply([secret('default/gateway', issued['gateway 2']!)], []);
      expect((await (await openClient(proxy.port)).ask(get())).body).toBe('CN=gateway 2');
      expect((await first.ask(get())).body).toBe('CN=gateway');
    });

    test('after TLS was terminated too', async () => {
      const backend = new Backend(issued['good']!, { ...mutual, ca: text(ca!.certificate) });
      const setup = tcp(await backend.listen()).filter(({ kind }) => kind !== 'Listener' && kind !== 'StreamRoute');
      const proxy = await openProxy(
        withIdentity([
          ...setup,
          secret('default/own', issued['good']!),
          listener({ protocol: 'TLS', tls: { mode: 'Terminate', certificates: ['default/own'] } }),
          streamRoute({ objectKind: 'TLSRoute', key: 'TLSRoute/default/stream/0' }),
        ]),
      );
      const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', servername: 'app.test', ca: text(ca!.certificate) });
      closeLater(() => socket.destroy());
      socket.write(get());
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(String(answer)).toContain('CN=gateway');
    });

    test('or none, and are refused', async () => {
      const backend = new Backend(issued['good']!, { ...mutual, ca: text(ca!.certificate) });
      const proxy = await openProxy(tcp(await backend.listen()));
      const client = await openClient(proxy.port);
      client.write('hello');
      await client.over();
      expect(backend.heard).toEqual([]);
    });
  });

  test('and are reset if the certificate of the backend is wrong', async () => {
    const backend = new Backend(issued['foreign']!);
    const proxy = await openProxy(tcp(await backend.listen()));
    const client = await openClient(proxy.worker.boundPort(LISTENER_PORT) ?? 0);
    client.write('hello');
    await client.over();
    expect(backend.heard).toEqual([]);
  });
});
