// Both ends of the push protocol over real sockets and real certificates: a controller, proxies with a target that remembers,
// and a relay between them that counts bytes and can be cut.
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import * as ir from '#api/ir/ir.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import { createLog } from '#lib/log.ts';
import { PushCache } from '../../controller/push/cache.ts';
import type { NackError, PushObserver } from '../../controller/push/observer.ts';
import { PushServer } from '../../controller/push/server.ts';
import type { PushServerOptions } from '../../controller/push/server.ts';
import { SUBSCRIBE_TIMES, Subscription } from '../../proxy/subscribe/client.ts';
import type { SubscriptionOptions } from '../../proxy/subscribe/client.ts';
import type { SubscribeTarget } from '../../proxy/subscribe/target.ts';
import type { IssuedFiles, TestCa } from '../support/certificates.ts';

export const SILENT = createLog('silent');

export function cluster(key: string, protocol: ir.ClusterProtocol = 'http1'): ir.Resource {
  return { kind: 'Cluster', key, protocol };
}

export function endpoints(key: string, port: number): ir.Resource {
  return { kind: 'Endpoints', key, endpoints: [{ address: '10.0.0.1', port, draining: false }] };
}

export function secret(key: string, privateKey: string): ir.Resource {
  return { kind: 'Secret', key, certificate: 'a certificate', privateKey };
}

export function listener(key: string, port: number): ir.Resource {
  return { kind: 'Listener', key, gateway: 'a/gw', addresses: [], port, protocol: 'HTTP', hostname: '', tls: null };
}

export function route(key: string, ruleName = ''): ir.Resource {
  return {
    ...{ kind: 'Route', key, objectKind: 'HTTPRoute', namespace: 'a', name: 'r', ruleIndex: 0, ruleName, createdAt: 0 },
    ...{ attachments: [], matches: [], filters: [], backends: [], timeouts: { request: null, backendRequest: null }, retry: null },
  };
}

/** Something that is no cluster, under the name of one. */
export function invalidCluster(key: string): ir.EncodedResource {
  return ir.encodeResource({ kind: 'Cluster', key, protocol: 'nonsense' } as unknown as ir.Resource);
}

/** Remembers what it serves; refuses what it is told to; waits where it is told to. */
export class MemoryTarget implements SubscribeTarget {
  readonly serving = new Map<string, ir.Resource>();
  readonly steps: { readonly changed: readonly string[]; readonly removed: readonly string[] }[] = [];
  refuse: (resource: ir.Resource) => boolean = () => false;
  gate: Promise<void> = Promise.resolve();

  async apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    await this.gate;
    this.steps.push({ changed: changed.map(idOf), removed: removed.map(idOf) });
    for (const resource of changed) this.serving.set(idOf(resource), resource);
    for (const name of removed) this.serving.delete(idOf(name));
    return changed.filter((r) => this.refuse(r)).map(({ kind, key }) => ({ kind, key, field: 'port', reason: 'is taken' }));
  }

  /** What is served, as versions by id. */
  versions(): Record<string, string> {
    return Object.fromEntries([...this.serving].sort(byId).map(([id, resource]) => [id, ir.encodeResource(resource).version]));
  }
}

export function versionsOf(cache: PushCache): Record<string, string> {
  return Object.fromEntries([...cache.resources()].map((r): [string, string] => [idOf(r), r.version]).sort(byId));
}

function idOf({ kind, key }: ResourceName): string {
  return ir.resourceId(kind, key);
}

function byId([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Remembers what sessions tell. */
export class Journal implements PushObserver {
  readonly online = new Set<string>();
  readonly acks: string[] = [];
  readonly nacks = new Map<string, readonly NackError[]>();

  connected(session: string): void {
    this.online.add(session);
  }

  disconnected(session: string): void {
    this.online.delete(session);
  }

  acked(_session: string, kind: ir.ResourceKind, key: string, version: string): void {
    this.acks.push(`${ir.resourceId(kind, key)}@${version}`);
    this.nacks.delete(ir.resourceId(kind, key));
  }

  nacked(_session: string, kind: ir.ResourceKind, key: string, nack: { readonly errors: readonly NackError[] }): void {
    this.nacks.set(ir.resourceId(kind, key), nack.errors);
  }
}

/** Fast enough for a test: first wait 5 ms. */
export const TIMES = { ...SUBSCRIBE_TIMES, backoff: { minimum: 5, maximum: 50 } };

/** A controller and any number of proxies, all of which `stop` ends. */
export class Rig {
  readonly cache = new PushCache();
  readonly journal = new Journal();
  readonly #ca: TestCa;
  readonly #stops: (() => void | Promise<void>)[] = [];
  #own: IssuedFiles | null = null;

  constructor(ca: TestCa) {
    this.#ca = ca;
  }

  change(...resources: readonly ir.Resource[]): void {
    this.cache.apply({ changed: resources.map(ir.encodeResource), removed: [] });
  }

  remove(...names: readonly ResourceName[]): void {
    this.cache.apply({ changed: [], removed: names });
  }

  /** Starts a controller; `port` 0 takes a free one. */
  async serve(options: Partial<PushServerOptions> = {}): Promise<{ readonly server: PushServer; readonly port: number }> {
    this.#own ??= await this.#ca.issue('controller', 'DNS:localhost,IP:127.0.0.1');
    const defaults = { address: '127.0.0.1:0', tls: this.#own, cacheOf: () => this.cache, observer: this.journal, log: SILENT };
    const server = new PushServer({ ...defaults, ...options });
    const port = await server.start();
    this.#stops.push(() => server.stop());
    return { server, port };
  }

  /** Starts a proxy with a certificate of its own. */
  async subscribe(port: number, options: Partial<SubscriptionOptions> = {}): Promise<Subscription> {
    const tls = options.tls ?? (await this.#ca.issue('proxy', 'URI:spiffe://weir/proxy'));
    const defaults = { address: `127.0.0.1:${port}`, serverName: '', nodeId: 'proxy', weirVersion: '0' };
    const rest = { target: new MemoryTarget(), lastGood: null, log: SILENT, times: TIMES };
    const subscription = new Subscription({ ...defaults, ...rest, ...options, tls });
    subscription.start();
    this.#stops.push(() => subscription.stop());
    return subscription;
  }

  async relay(port: number): Promise<Relay> {
    const relay = new Relay(port);
    await relay.listen();
    this.#stops.push(() => relay.close());
    return relay;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop();
  }
}

/** Forwards TCP to a port on loopback. */
export class Relay {
  /** Bytes from the port to whoever connected. */
  received = 0;
  port = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  constructor(target: number) {
    this.#server = net.createServer((downstream) => {
      const upstream = net.connect(target, '127.0.0.1');
      for (const socket of [downstream, upstream]) this.#keep(socket);
      upstream.on('data', (chunk) => (this.received += chunk.length));
      downstream.pipe(upstream).pipe(downstream);
    });
  }

  /** Listens where it did before, or on a free port. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
    });
  }
}
