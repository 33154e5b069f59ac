// A listener that cannot be served keeps its host name, for any protocol and any reason: no less specific listener answers for it. From
// Kubernetes objects to bytes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { Compiler } from '../../controller/compile/compile.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Worker } from '../../proxy/worker.ts';
import type * as ir from '#api/ir/ir.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { closeAfterEach, closeLater, openClient, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

const PORT = 443;

let ca: TestCa;
let wild: IssuedFiles;
let one: IssuedFiles;

beforeAll(async () => {
  ca = await TestCa.create();
  wild = await ca.issue('wild', 'DNS:*.app.test');
  one = await ca.issue('one', 'DNS:one.app.test');
});
afterAll(() => ca.remove());

type Listener = Record<string, unknown>;

function gateway(listeners: readonly Listener[], name = 'edge', spec: object = {}): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name, namespace: 'default' },
    spec: { gatewayClassName: 'weir', listeners: listeners.map((listener) => ({ port: PORT, ...listener })), ...spec },
  };
}

const CLASS = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: { name: 'weir' },
  spec: { controllerName: 'gateway.weir.dev/controller' },
};

function secret(name: string, pair: Partial<IssuedFiles>, namespace = 'default'): object {
  const read = (file: string | undefined) => Buffer.from(file === undefined ? '' : readFileSync(file)).toString('base64');
  const data = { 'tls.crt': read(pair.certificate), 'tls.key': read(pair.privateKey) };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'kubernetes.io/tls', data };
}

function https(name: string, hostname: string, certificate: string | object, fields: object = {}): Listener {
  const ref = typeof certificate === 'string' ? { name: certificate } : certificate;
  return { name, hostname, protocol: 'HTTPS', tls: { certificateRefs: [ref] }, ...fields };
}

/** A route of each of these parents, for all their hosts. */
function route(kind: 'HTTPRoute' | 'TLSRoute', name: string, parents: readonly object[], hostnames: readonly string[] = []): object {
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace: 'default' },
    spec: { parentRefs: parents, hostnames, rules: [{ backendRefs }] },
  };
}

const TO_ALL = [{ name: 'edge' }];

interface Site {
  readonly port: number;
  readonly worker: Worker;
  /** Compiles changes and applies the result to the worker. */
  change(...objects: object[]): Promise<void>;
  remove(kind: string, name: string, namespace?: string): Promise<void>;
}

/** A worker with the compiled objects; refused resources are part of the test. */
async function serve(...objects: object[]): Promise<Site> {
  const upstream = await openUpstream(() => ok('served'));
  const backend = {
    apiVersion: 'gateway.weir.dev/v1alpha1',
    kind: 'Backend',
    metadata: { name: 'app', namespace: 'default' },
    spec: { endpoints: [{ ip: '127.0.0.1', port: upstream.port }] },
  };
  const compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', allowLoopback: true });
  const limits = { ...DEFAULT_LIMITS };
  const worker = new Worker({
    limits,
    accessLog: 'off',
    reusePort: false,
    drainTimeout: 1_000,
    bindPort: () => 0,
    bindAddress: '127.0.0.1',
  });
  closeLater(() => worker.stop(1));
  const apply = async (changes: Parameters<Compiler['apply']>[0]): Promise<void> => {
    const { changed, removed, rejected, faults } = compiler.apply(changes);
    expect([rejected, faults]).toEqual([[], []]);
    await worker.apply(
      changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource),
      removed,
    );
  };
  const upsert = (all: readonly object[]) => apply(all.map((object) => ({ type: 'upsert', object }) as never));
  await upsert([CLASS, backend, ...objects]);
  return {
    get port() {
      return worker.boundPort(PORT) ?? 0;
    },
    worker,
    change: (...changed) => upsert(changed),
    remove: (kind, name, namespace = 'default') => apply([{ type: 'delete', ref: { kind, namespace, name } } as never]),
  };
}

/** The outcome for a client with a server name and a host: the status, or a failed handshake. */
async function askSecure({ port }: Site, serverName: string, host = serverName): Promise<number | string> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(serverName === '' ? {} : { servername: serverName }),
  });
  closeLater(() => socket.destroy());
  const secured = await once(socket, 'secureConnect').catch((error: NodeJS.ErrnoException) => String(error.code));
  if (typeof secured === 'string') return secured;
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return Number(answer.toString('latin1').split(' ')[1]);
}

async function ask({ port }: Site, host: string): Promise<number> {
  const client = await openClient(port);
  return status(await client.ask(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
}

const REFUSED = 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME';

describe('of HTTPS listeners for *.app.test and one.app.test', () => {
  const listeners = (certificate: string | object = 'one', fields: object = {}) => [
    https('wild', '*.app.test', 'wild'),
    https('one', 'one.app.test', certificate, fields),
  ];
  const objects = () => [secret('wild', wild), route('HTTPRoute', 'all', TO_ALL)];

  async function expectUnserved(site: Site): Promise<void> {
    expect(await askSecure(site, 'two.app.test')).toBe(200);
    expect(await askSecure(site, 'one.app.test')).toBe(REFUSED);
    expect(await askSecure(site, 'two.app.test', 'one.app.test')).toBe(421);
  }

  test('both are served while both can be', async () => {
    const site = await serve(gateway(listeners()), secret('one', one), ...objects());
    expect([await askSecure(site, 'two.app.test'), await askSecure(site, 'one.app.test')]).toEqual([200, 200]);
  });

  test('a Secret that is missing', async () => {
    await expectUnserved(await serve(gateway(listeners()), ...objects()));
  });

  test('a certificate and a key that do not belong together', async () => {
    const pair = { certificate: one.certificate, privateKey: wild.privateKey };
    await expectUnserved(await serve(gateway(listeners()), secret('one', pair), ...objects()));
  });

  test('a Secret that is removed, and comes back', async () => {
    const site = await serve(gateway(listeners()), secret('one', one), ...objects());
    await site.remove('Secret', 'one');
    await expectUnserved(site);
    await site.change(secret('one', one));
    expect(await askSecure(site, 'one.app.test')).toBe(200);
  });

  test('a ReferenceGrant that is withdrawn', async () => {
    const grant = {
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: 'edge', namespace: 'vault' },
      spec: {
        from: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default' }],
        to: [{ group: '', kind: 'Secret' }],
      },
    };
    const kept = listeners({ name: 'one', namespace: 'vault' });
    const site = await serve(gateway(kept), secret('one', one, 'vault'), grant, ...objects());
    expect(await askSecure(site, 'one.app.test')).toBe(200);
    await site.remove('ReferenceGrant', 'edge', 'vault');
    await expectUnserved(site);
  });

  test('options of TLS that cannot be had', async () => {
    const tlsOptions = { certificateRefs: [{ name: 'one' }], options: { 'gateway.weir.dev/min-version': '1.1' } };
    await expectUnserved(await serve(gateway(listeners('one', { tls: tlsOptions })), secret('one', one), ...objects()));
  });

  test('unsupported kinds of routes', async () => {
    const allowedRoutes = { kinds: [{ kind: 'TCPRoute' }] };
    await expectUnserved(await serve(gateway(listeners('one', { allowedRoutes })), secret('one', one), ...objects()));
  });

  test('two listeners of one name', async () => {
    const twice = [...listeners(), https('again', 'one.app.test', 'one')];
    await expectUnserved(await serve(gateway(twice), secret('one', one), ...objects()));
  });

  test('authorities of clients that are missing', async () => {
    const frontend = {
      default: {},
      perPort: [{ port: PORT, tls: { validation: { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'none' }] } } }],
    };
    const strict = gateway([https('one', 'one.app.test', 'one')], 'strict', { tls: { frontend } });
    const site = await serve(gateway([https('wild', '*.app.test', 'wild')]), strict, secret('one', one), ...objects());
    await expectUnserved(site);
  });

  test('a Gateway that cannot be served as a whole, on the same proxies', async () => {
    const broken = gateway([https('one', 'one.app.test', 'one')], 'broken', { addresses: [{ type: 'Hostname', value: 'a.test' }] });
    await expectUnserved(await serve(gateway([https('wild', '*.app.test', 'wild')]), broken, secret('one', one), ...objects()));
  });

  test('a listener of a ListenerSet', async () => {
    const set = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'ListenerSet',
      metadata: { name: 'team', namespace: 'default' },
      spec: { parentRef: { name: 'edge' }, listeners: [{ port: PORT, ...https('one', 'one.app.test', 'one') }] },
    };
    const admitting = gateway([https('wild', '*.app.test', 'wild')], 'edge', { allowedListeners: { namespaces: { from: 'Same' } } });
    await expectUnserved(await serve(admitting, set, ...objects()));
    const strange = gateway([https('wild', '*.app.test', 'wild')], 'edge');
    const site = await serve(strange, set, ...objects());
    expect(await askSecure(site, 'one.app.test')).toBe(200);
  });

  test('a listener for any host is none the wiser, with and without a name', async () => {
    const site = await serve(gateway([https('any', undefined as never, 'wild'), https('one', 'one.app.test', 'one')]), ...objects());
    expect(await askSecure(site, '', 'two.app.test')).toBe(200);
    expect(await askSecure(site, '', 'one.app.test')).toBe(421);
    expect(await askSecure(site, 'one.app.test')).toBe(REFUSED);
  });

  test('connections of HTTP/2 that are reused are misdirected, and those from before end', async () => {
    const site = await serve(gateway(listeners()), secret('one', one), ...objects());
    const options = { rejectUnauthorized: false };
    const reused = openSession(site.port, { ...options, servername: 'two.app.test' }, true);
    const former = openSession(site.port, { ...options, servername: 'one.app.test' }, true);
    expect((await request(former, { ':authority': 'one.app.test' })).status).toBe(200);
    const ended = once(former, 'goaway');
    await site.remove('Secret', 'one');
    expect((await request(reused, { ':authority': 'one.app.test' })).status).toBe(421);
    expect((await request(reused, { ':authority': 'two.app.test' })).status).toBe(200);
    await ended;
  });

  test('none can be served: no client is accepted', async () => {
    const site = await serve(gateway(listeners()), secret('wild', wild), secret('one', one), ...objects());
    const { port } = site;
    const client = openSession(port, { rejectUnauthorized: false, servername: 'one.app.test' }, true);
    expect((await request(client, { ':authority': 'one.app.test' })).status).toBe(200);
    const ended = once(client, 'goaway');
    await site.remove('Secret', 'wild');
    await site.remove('Secret', 'one');
    await ended;
    expect(await askSecure({ ...site, port }, 'one.app.test')).toBe('ECONNREFUSED');
  });
});

describe('of TLS listeners for *.app.test and one.app.test', () => {
  /** Whether a connection reaches the backend, valid or not. */
  async function reaches(site: Site, serverName: string): Promise<boolean> {
    const answer = await askSecure(site, serverName);
    return answer === 200;
  }

  const terminating = (name: string, hostname: string) => https(name, hostname, name, { protocol: 'TLS' });
  const parents = [{ name: 'edge' }];

  test('a listener without a usable certificate', async () => {
    const site = await serve(
      gateway([terminating('wild', '*.app.test'), terminating('one', 'one.app.test')]),
      secret('wild', wild),
      route('TLSRoute', 'all', parents, ['*.app.test']),
    );
    expect([await reaches(site, 'two.app.test'), await reaches(site, 'one.app.test')]).toEqual([true, false]);
  });

  test('a passthrough listener without a supported kind of route', async () => {
    const passed = {
      name: 'one',
      hostname: 'one.app.test',
      protocol: 'TLS',
      tls: { mode: 'Passthrough' },
      allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] },
    };
    const site = await serve(
      gateway([terminating('wild', '*.app.test'), passed]),
      secret('wild', wild),
      route('TLSRoute', 'all', parents, ['*.app.test']),
    );
    expect([await reaches(site, 'two.app.test'), await reaches(site, 'one.app.test')]).toEqual([true, false]);
  });
});

describe('of listeners for *.app.test and one.app.test that share a port and its proxies', () => {
  test('a listener with another protocol than the first one of the port', async () => {
    const secured = gateway([https('wild', '*.app.test', 'wild')]);
    const site = await serve(secured, secret('wild', wild), route('HTTPRoute', 'all', [...TO_ALL, { name: 'plain' }]));
    expect(await askSecure(site, 'one.app.test')).toBe(200);
    await site.change(gateway([{ name: 'one', hostname: 'one.app.test', protocol: 'HTTP' }], 'plain'));
    expect(await askSecure(site, 'two.app.test')).toBe(200);
    expect(await askSecure(site, 'one.app.test')).toBe(REFUSED);
    expect(await askSecure(site, 'two.app.test', 'one.app.test')).toBe(421);
    await site.remove('Gateway', 'plain');
    expect(await askSecure(site, 'one.app.test')).toBe(200);
  });

  test('a served listener of the same name gets the name', async () => {
    const other = gateway([https('one', 'one.app.test', 'none')], 'other');
    const site = await serve(gateway([https('one', 'one.app.test', 'one')]), other, secret('one', one), route('HTTPRoute', 'all', TO_ALL));
    expect(await askSecure(site, 'one.app.test')).toBe(200);
  });
});

describe('of HTTP listeners for *.app.test and one.app.test', () => {
  const plain = (name: string, hostname: string, fields: object = {}): Listener => ({ name, hostname, protocol: 'HTTP', ...fields });

  test.each<[string, Listener[]]>([
    ['two of one name', [plain('one', 'one.app.test'), plain('again', 'one.app.test')]],
    ['no supported kind of route', [plain('one', 'one.app.test', { allowedRoutes: { kinds: [{ kind: 'TLSRoute' }] } })]],
    ['certificates without TLS', [plain('one', 'one.app.test', { tls: { certificateRefs: [{ name: 'one' }] } })]],
  ])('%s', async (_what, broken) => {
    const site = await serve(gateway([plain('wild', '*.app.test'), ...broken]), route('HTTPRoute', 'all', TO_ALL));
    expect([await ask(site, 'two.app.test'), await ask(site, 'one.app.test')]).toEqual([200, 503]);
    const client = await openClient(site.port);
    expect((await client.ask('GET / HTTP/1.1\r\nHost: one.app.test\r\n\r\n')).body.toString()).toContain('listener_unserved');
  });
});
