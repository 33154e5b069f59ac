// Kept pairs over restarts of controller and proxy: both ends of the push protocol over mTLS, and HTTPS clients. A restarted controller
// knows no earlier pair; a proxy has its own, in memory or in its last good file.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { encodeResource } from '#api/ir/ir.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { PushCache } from '../../controller/push/cache.ts';
import { PushServer } from '../../controller/push/server.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Subscription } from '../../proxy/subscribe/client.ts';
import { LastGood } from '../../proxy/subscribe/last-good.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { closeAfterEach, closeLater, openUpstream } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { askFor, gatewayOf, grantFrom, HTTPS_PORT, issuePairs, listenerFor, objectsAround, secretWith } from '../support/pairs.ts';
import { FAST_TIMES, LOG, RecordingObserver } from '../support/push.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

let ca: TestCa;
let [wild, one, next, expired, pushed, identity]: IssuedFiles[] = [];
let [folder, address] = ['', ''];

beforeAll(async () => {
  ca = await TestCa.create();
  ({ wild, one, next, expired } = await issuePairs(ca));
  pushed = await ca.issue('controller', 'IP:127.0.0.1');
  identity = await ca.issue('proxy', 'URI:spiffe://weir/proxy');
});
afterAll(() => ca.remove());

const broken = () => secretWith('one', { certificate: next?.certificate, privateKey: one?.privateKey });
const REFUSED = 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME';

/** A controller without a cluster. */
class Controller {
  readonly observer = new RecordingObserver();
  readonly cache = new PushCache();
  readonly server: PushServer;
  readonly #compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', allowLoopback: true });

  constructor() {
    const tlsFiles = pushed as IssuedFiles;
    this.server = new PushServer({ address, tls: tlsFiles, cacheOf: () => this.cache, observer: this.observer, log: LOG });
  }

  apply(changes: Parameters<Compiler['apply']>[0]): void {
    this.cache.apply(this.#compiler.apply(changes));
  }

  /** Sends a pair that a controller of another release may accept. */
  send(...resources: readonly ir.Resource[]): void {
    this.cache.apply({ changed: resources.map(encodeResource), removed: [] });
  }
}

interface Proxy {
  readonly supervisor: Supervisor;
  readonly subscription: Subscription;
}

/** A controller with all objects, and its proxies. */
class Site {
  readonly #objects = new Map<string, object>();
  controller = new Controller();
  readonly proxies: Proxy[] = [];

  async start(...objects: object[]): Promise<void> {
    this.#controllerWith(objects);
    await this.controller.server.start();
    closeLater(async () => {
      for (const proxy of this.proxies) await this.#end(proxy);
      await this.controller.server.stop();
    });
    await this.startProxy('proxy');
  }

  #controllerWith(objects: readonly object[]): void {
    for (const object of objects) this.#objects.set(objectId(refOf(object as KubernetesObject)), object);
    this.controller.apply([...this.#objects.values()].map((object) => ({ type: 'upsert', object }) as never));
  }

  /** Starts a proxy with the last good file of this name. */
  async startProxy(name: string): Promise<Proxy> {
    const options = { workers: 1, limits: { ...DEFAULT_LIMITS }, accessLog: 'off', drainTimeout: 1, log: LOG, processMetrics: false };
    const supervisor = new Supervisor({ ...options, bindPort: () => 0, bindAddress: '127.0.0.1' });
    const subscription = new Subscription({
      ...{ address, tls: identity as IssuedFiles, serverName: '', nodeId: name, weirVersion: '0', target: supervisor, log: LOG },
      lastGood: new LastGood({ file: path.join(folder, name), log: LOG }),
      times: FAST_TIMES,
    });
    subscription.start();
    await subscription.ready;
    const proxy = { supervisor, subscription };
    this.proxies.push(proxy);
    return proxy;
  }

  async #end({ subscription, supervisor }: Proxy): Promise<void> {
    await subscription.stop();
    await supervisor.stop(1);
  }

  async stopProxy(): Promise<void> {
    await this.#end(this.proxies.shift() as Proxy);
  }

  /** Resolves once every proxy has taken the changes. */
  async change(...objects: object[]): Promise<void> {
    for (const object of objects) this.#objects.set(objectId(refOf(object as KubernetesObject)), object);
    this.controller.apply(objects.map((object) => ({ type: 'upsert', object }) as never));
    await this.settled();
  }

  async remove(kind: string, name: string, namespace = 'default'): Promise<void> {
    this.#objects.delete(objectId({ kind, name, namespace }));
    this.controller.apply([{ type: 'delete', ref: { kind, name, namespace } }]);
    await this.settled();
  }

  settled(): Promise<void> {
    return until(() => {
      const sessions = this.controller.server.sessions();
      const isDone = sessions.every(({ phase, waiting, sentNonce, ackedNonce }) => phase === 'live' && waiting + sentNonce === ackedNonce);
      return sessions.length === this.proxies.length && isDone;
    }, 'every proxy has what there is');
  }

  /** A controller that knows the current objects, and no earlier ones. */
  async restartController(...changed: object[]): Promise<void> {
    await this.controller.server.stop();
    this.controller = new Controller();
    this.#controllerWith(changed);
    await this.controller.server.start();
    if (this.proxies.length > 0) await this.settled();
  }

  ask(host = 'one.app.test', proxy = this.proxies[0]): Promise<string> {
    return askFor(proxy?.supervisor.boundPort(HTTPS_PORT) ?? 0, host);
  }
}

let site: Site;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'weir-pairs-'));
  const [port] = await freePorts(1);
  address = `127.0.0.1:${port}`;
  const upstream = await openUpstream(() => ok('served'));
  const listeners = [listenerFor('wild', '*.app.test', 'wild'), listenerFor('one', 'one.app.test', 'one')];
  site = new Site();
  await site.start(...objectsAround(upstream.port), gatewayOf(listeners), secretWith('wild', wild), secretWith('one', one));
  expect(await site.ask()).toBe('200 one');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a controller that restarts while a Secret has an unusable pair', () => {
  test('lets proxies keep their pair until a usable one arrives', async () => {
    await site.change(broken());
    await site.restartController();
    expect(await site.ask()).toBe('200 one');
    await site.restartController();
    expect(await site.ask()).toBe('200 one');
    expect(site.controller.observer.told.filter((told) => told.startsWith('nacked'))).toEqual([]);
    await site.change(secretWith('one', next));
    expect(await site.ask()).toBe('200 next');
    await site.change(broken());
    expect(await site.ask()).toBe('200 next');
  });

  test('that was changed while no controller ran', async () => {
    await site.restartController(broken());
    expect(await site.ask()).toBe('200 one');
  });

  test('or an expired one', async () => {
    await site.restartController(secretWith('one', expired));
    expect(await site.ask()).toBe('200 one');
  });

  test('has a new proxy refuse the name, and answer for the others', async () => {
    await site.restartController(broken());
    const newcomer = await site.startProxy('newcomer');
    expect(await site.ask('one.app.test', newcomer)).toBe(REFUSED);
    expect(await site.ask('two.app.test', newcomer)).toBe('200 wild');
    await site.change(secretWith('one', next));
    expect(await site.ask('one.app.test', newcomer)).toBe('200 next');
  });

  test('before that a new proxy is sent the pair that the controller has seen', async () => {
    await site.change(broken());
    const newcomer = await site.startProxy('newcomer');
    expect(await site.ask('one.app.test', newcomer)).toBe('200 one');
  });

  test('keeps no pair of a Secret whose ReferenceGrant is deleted', async () => {
    const far = (secret: object) => ({ ...secret, metadata: { name: 'one', namespace: 'vault' } });
    const listeners = [listenerFor('wild', '*.app.test', 'wild'), listenerFor('one', 'one.app.test', 'one', 'vault')];
    await site.change(far(secretWith('one', one)), grantFrom('vault'), gatewayOf(listeners));
    await site.restartController(far(broken()));
    expect(await site.ask()).toBe('200 one');
    await site.remove('ReferenceGrant', 'edge', 'vault');
    expect(await site.ask()).toBe(REFUSED);
    await site.change(grantFrom('vault'));
    expect(await site.ask()).toBe(REFUSED);
  });
});

describe('a proxy that starts again', () => {
  test('after the controller uses the pair of its last good file', async () => {
    await site.stopProxy();
    await site.restartController(broken());
    await site.startProxy('proxy');
    expect(await site.ask()).toBe('200 one');
    // The file has the served pair, not the received one.
    await site.stopProxy();
    await site.startProxy('proxy');
    await site.settled();
    expect(await site.ask()).toBe('200 one');
  });

  test('without a controller serves the pair, and keeps it later', async () => {
    await site.restartController(broken());
    await site.stopProxy();
    await site.controller.server.stop();
    await site.startProxy('proxy');
    expect(await site.ask()).toBe('200 one');
    await site.restartController();
    expect(await site.ask()).toBe('200 one');
  });

  test('keeps no pair of a Secret that was deleted before', async () => {
    await site.remove('Secret', 'one');
    await site.stopProxy();
    await site.restartController(broken());
    await site.startProxy('proxy');
    expect(await site.ask()).toBe(REFUSED);
  });

  test('without its file refuses the name', async () => {
    await site.stopProxy();
    await rm(path.join(folder, 'proxy'));
    await site.restartController(broken());
    await site.startProxy('proxy');
    expect(await site.ask()).toBe(REFUSED);
  });
});

test('a pair that a proxy refuses leaves its previous one in use, and the controller gets a nack', async () => {
  const certificate = read(next?.certificate);
  site.controller.send({ kind: 'Secret', key: 'default/one', certificate, privateKey: read(one?.privateKey) });
  await site.settled();
  expect(await site.ask()).toBe('200 one');
  const nacks = site.controller.observer.told.filter((told) => told.startsWith('nacked'));
  expect(nacks).toEqual([expect.stringMatching(/^nacked Secret\|default\/one .*does not belong to the certificate/)]);
  await site.change(secretWith('one', next));
  expect(await site.ask()).toBe('200 next');
});

test('the client certificate for backends is kept too, and no connection to them ends', async () => {
  const key = read(one?.privateKey);
  const peers: string[] = [];
  const server = tls.createServer({ key, cert: read(one?.certificate), requestCert: true, ca: read(ca.certificate) }, (socket) => {
    peers.push(socket.getPeerX509Certificate()?.subject ?? 'nobody');
    socket.on('error', () => undefined).on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  });
  closeLater(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const endpoints = [{ ip: '127.0.0.1', port: (server.address() as AddressInfo).port }];
  const validation = { hostname: 'one.app.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] };
  const targetRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  const meta = (name: string) => ({ name, namespace: 'default' });
  const backend = { clientCertificateRef: { name: 'one' } };
  await site.change(
    { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: meta('app'), spec: { endpoints } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('ca'), data: { 'ca.crt': read(ca.certificate) } },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'BackendTLSPolicy',
      metadata: meta('app'),
      spec: { targetRefs, validation },
    },
    gatewayOf([listenerFor('wild', '*.app.test', 'wild')], { tls: { backend } }),
  );
  for (const step of [() => site.settled(), () => site.change(broken()), () => site.restartController()]) {
    await step();
    expect(await site.ask('two.app.test')).toBe('200 wild');
  }
  expect(peers).toEqual(['CN=one']);
  await site.change(secretWith('one', next));
  expect(await site.ask('two.app.test')).toBe('200 wild');
  expect(peers).toEqual(['CN=one', 'CN=next']);
});

function read(file: string | undefined): string {
  return readFileSync(file ?? '', 'utf8');
}
