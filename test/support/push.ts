// Both ends of the push protocol over real sockets, with a relay in between that counts, delays and cuts.
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { EncodedResource, Resource } from '#api/ir/ir.ts';
import { encodeResource, resourceId } from '#api/ir/ir.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import { createLog } from '#lib/log.ts';
import { PushCache } from '../../controller/push/cache.ts';
import type { PushObserver } from '../../controller/push/observer.ts';
import { PushServer } from '../../controller/push/server.ts';
import type { PushServerOptions } from '../../controller/push/server.ts';
import { Subscription } from '../../proxy/subscribe/client.ts';
import type { SubscriptionOptions } from '../../proxy/subscribe/client.ts';
import type { SubscribeTarget } from '../../proxy/subscribe/target.ts';

export const LOG = createLog('silent');

/** Short timeouts, for tests of timeouts. */
export const FAST_TIMES = {
  backoff: { minimum: 1, maximum: 20 },
  keepalive: { every: 10_000, timeout: 5_000 },
  connect: 5_000,
  firstPush: 5_000,
};

export function cluster(key: string, protocol: 'http1' | 'http2' = 'http1'): EncodedResource {
  return encodeResource({ kind: 'Cluster', key, protocol });
}

export function secret(key: string, privateKey: string): EncodedResource {
  return encodeResource({ kind: 'Secret', key, certificate: 'certificate', privateKey });
}

/** A rule that forwards everything to a cluster. `name` changes its version. */
export function route(key: string, clusterKey: string, name = ''): EncodedResource {
  return encodeResource({
    ...{ kind: 'Route', key, objectKind: 'HTTPRoute', namespace: 'default', name: key, ruleIndex: 0, ruleName: name, createdAt: 0 },
    attachments: [{ listener: 'default/gw/http', hostnames: [''] }],
    matches: [{ path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], queryParams: [] }],
    filters: [],
    backends: [{ cluster: clusterKey, weight: 1, filters: [] }],
    timeouts: { request: null, backendRequest: null },
    retry: null,
  });
}

/** Replaces a worker: keeps the resources, refuses those that the test names, and records each step. */
export class RecordingTarget implements SubscribeTarget {
  readonly held = new Map<string, Resource>();
  readonly steps: { readonly changed: string[]; readonly removed: string[] }[] = [];
  /** The error in a resource; null if there is none. */
  refuse: (resource: Resource) => string | null = () => null;
  /** Awaited before every apply, to simulate a slow proxy. */
  gate: () => Promise<void> = () => Promise.resolve();
  /** Called after every apply. */
  applied: () => void = () => undefined;

  async apply(changed: readonly Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    await this.gate();
    this.steps.push({ changed: changed.map(idOf), removed: removed.map(idOf) });
    for (const name of removed) this.held.delete(idOf(name));
    const errors = changed.flatMap((resource) => this.#take(resource));
    this.applied();
    return errors;
  }

  #take(resource: Resource): ResourceError[] {
    const reason = this.refuse(resource);
    if (reason === null) this.held.set(idOf(resource), resource);
    else this.held.delete(idOf(resource));
    return reason === null ? [] : [{ kind: resource.kind, key: resource.key, field: 'ruleName', reason }];
  }

  /** Everything that was ever given, in order. */
  get changes(): string[] {
    return this.steps.flatMap(({ changed }) => changed);
  }

  get removals(): string[] {
    return this.steps.flatMap(({ removed }) => removed);
  }
}

export function idOf({ kind, key }: ResourceName): string {
  return resourceId(kind, key);
}

/** The events of sessions, in order: `acked Route|a <version>` and so on, without the session name. */
export class RecordingObserver implements PushObserver {
  readonly told: string[] = [];
  readonly open = new Set<string>();

  connected(session: string): void {
    this.open.add(session);
    this.told.push('connected');
  }

  disconnected(session: string): void {
    this.open.delete(session);
    this.told.push('disconnected');
  }

  acked(_session: string, kind: string, key: string, version: string): void {
    this.told.push(`acked ${kind}|${key} ${version}`);
  }

  nacked(_session: string, kind: string, key: string, nack: { readonly version: string; readonly errors: readonly object[] }): void {
    this.told.push(`nacked ${kind}|${key} ${nack.version} ${JSON.stringify(nack.errors)}`);
  }
}

/** A TCP relay in front of a port. */
export class Relay {
  /** Target port and own port. */
  target: number;
  port = 0;
  /** Bytes from the controller to proxies, and in the other direction. */
  down = 0;
  up = 0;
  accepted = 0;
  #frozen = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Of each connection. */
  readonly #states = new Set<{ frozen: boolean; mute: boolean }>();

  constructor(target: number) {
    this.target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on its previous port, or on a free one. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this.port;
  }

  /** Drops all bytes of the existing connections, in both directions, without closing them. */
  freeze(): void {
    this.#frozen = true;
  }

  /** New connections pass again; frozen ones stay frozen. */
  thaw(): void {
    this.#frozen = false;
  }

  /** Drops the bytes of controllers on the existing connections from now on. */
  dropDown(): void {
    for (const state of this.#states) state.mute = true;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(downstream: Socket): void {
    this.accepted++;
    const upstream = connect(this.target, '127.0.0.1');
    const state = { frozen: false, mute: false };
    this.#states.add(state);
    const pass = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      this.#sockets.add(from);
      from.on('data', (chunk) => {
        state.frozen ||= this.#frozen;
        if (state.frozen || (state.mute && from === upstream)) return;
        count(chunk.length);
        to.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        this.#states.delete(state);
        to.destroy();
      });
    };
    pass(downstream, upstream, (bytes) => (this.up += bytes));
    pass(upstream, downstream, (bytes) => (this.down += bytes));
  }
}

/** A controller's push plane, relays and proxies that a test opens; all closed by `close`. */
export class PushWorld {
  cache = new PushCache();
  readonly observer = new RecordingObserver();
  readonly #closers: (() => unknown)[] = [];

  async serve(options: Partial<PushServerOptions> = {}): Promise<{ readonly server: PushServer; readonly port: number }> {
    const server = new PushServer({
      ...{ address: '127.0.0.1:0', tls: 'plaintext', cacheOf: () => this.cache, observer: this.observer, log: LOG },
      ...options,
    });
    this.#closers.unshift(() => server.stop());
    return { server, port: await server.start() };
  }

  async relay(port: number): Promise<{ readonly relay: Relay; readonly port: number }> {
    const relay = new Relay(port);
    this.#closers.unshift(() => relay.close());
    return { relay, port: await relay.listen() };
  }

  /** A proxy that subscribes at once. */
  subscribe(
    port: number,
    options: Partial<SubscriptionOptions> = {},
    target: RecordingTarget = new RecordingTarget(),
  ): { readonly subscription: Subscription; readonly target: RecordingTarget } {
    const subscription = new Subscription({
      ...{ address: `127.0.0.1:${port}`, tls: 'plaintext', serverName: '', nodeId: 'node', weirVersion: '0.1.0' },
      ...{ target, lastGood: null, log: LOG, times: FAST_TIMES },
      ...options,
    });
    this.#closers.unshift(() => subscription.stop());
    subscription.start();
    return { subscription, target };
  }

  async close(): Promise<void> {
    for (const closer of this.#closers) await closer();
  }
}
