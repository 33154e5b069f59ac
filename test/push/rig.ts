// Both ends of the push protocol over real sockets and real certificates: a controller, and proxies with a recording target.
import * as ir from '#api/ir/ir.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { PushCache } from '../../controller/push/cache.ts';
import type { NackError, PushObserver } from '../../controller/push/observer.ts';
import type { PushServer, PushServerOptions } from '../../controller/push/server.ts';
import type { Subscription, SubscriptionOptions } from '../../proxy/subscribe/client.ts';
import type { SubscribeTarget } from '../../proxy/subscribe/target.ts';
import type { IssuedFiles, TestCa } from '../support/certificates.ts';
import { PushWorld } from '../support/push.ts';
import type { Relay } from '../support/push.ts';

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

/** An invalid resource with the name of a cluster. */
export function invalidCluster(key: string): ir.EncodedResource {
  return ir.encodeResource({ kind: 'Cluster', key, protocol: 'nonsense' } as unknown as ir.Resource);
}

/** A target that records its resources, and refuses or waits if the test says so. */
export class MemoryTarget implements SubscribeTarget {
  readonly serving = new Map<string, ir.Resource>();
  readonly steps: { readonly changed: readonly string[]; readonly removed: readonly string[] }[] = [];
  refuse: (resource: ir.Resource) => boolean = () => false;
  /** Refused resources that it tries again. */
  waits = false;
  /** Called once a refused resource can be served. */
  recovered: () => void = () => undefined;
  gate: Promise<void> = Promise.resolve();
  /** The last revision that it was told. */
  revision = '';

  async apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    await this.gate;
    this.steps.push({ changed: changed.map(idOf), removed: removed.map(idOf) });
    for (const resource of changed) this.serving.set(idOf(resource), resource);
    for (const name of removed) this.serving.delete(idOf(name));
    const waits = this.waits ? ({ waits: true } as const) : {};
    return changed.filter((r) => this.refuse(r)).map(({ kind, key }) => ({ kind, key, field: 'port', reason: 'is taken', ...waits }));
  }

  revised(revision: string): void {
    this.revision = revision;
  }

  onRecovery(listener: () => void): void {
    this.recovered = listener;
  }

  /** The served versions by id. */
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

/** Records the events of sessions. */
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

/** A controller and any number of proxies with certificates; `stop` ends all. */
export class Rig {
  readonly journal = new Journal();
  readonly #world = new PushWorld();
  readonly #ca: TestCa;
  #own: IssuedFiles | null = null;

  constructor(ca: TestCa) {
    this.#ca = ca;
  }

  get cache(): PushCache {
    return this.#world.cache;
  }

  change(...resources: readonly ir.Resource[]): void {
    this.cache.apply({ changed: resources.map(ir.encodeResource), removed: [] });
  }

  remove(...names: readonly ResourceName[]): void {
    this.cache.apply({ changed: [], removed: names });
  }

  /** Starts a controller; `port` 0 selects a free one. */
  async serve(options: Partial<PushServerOptions> = {}): Promise<{ readonly server: PushServer; readonly port: number }> {
    this.#own ??= await this.#ca.issue('controller', 'DNS:localhost,IP:127.0.0.1');
    return this.#world.serve({ tls: this.#own, observer: this.journal, ...options });
  }

  /** Starts a proxy with its own certificate. */
  async subscribe(port: number, options: Partial<SubscriptionOptions> = {}): Promise<Subscription> {
    const tls = options.tls ?? (await this.#ca.issue('proxy', 'URI:spiffe://weir/proxy'));
    const { subscription } = this.#world.subscribe(port, { nodeId: 'proxy', target: new MemoryTarget(), ...options, tls });
    return subscription;
  }

  async relay(port: number): Promise<Relay> {
    return (await this.#world.relay(port)).relay;
  }

  stop(): Promise<void> {
    return this.#world.close();
  }
}
