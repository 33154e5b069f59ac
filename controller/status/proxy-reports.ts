// The versions that connected proxies serve and refuse, from their acks and nacks. Programmed and refusals are derived from it.
import type { ResourceKind } from '#api/ir/ir.ts';
import { gatewayOfListener, resourceId } from '#api/ir/ir.ts';
import { FleetScopes, SHARED } from '../compile/fleet-scopes.ts';
import type { FleetDelta } from '../compile/fleet-scopes.ts';
import type { CompileDelta } from '../compile/result.ts';

/** A mistake that a proxy found in a resource. `field` is its path in the resource. */
export interface RefusalError {
  readonly field: string;
  readonly reason: string;
}

/** A resource whose current version at least one proxy refuses. */
export interface Refusal {
  readonly kind: ResourceKind;
  readonly key: string;
  readonly version: string;
  readonly errors: readonly RefusalError[];
  /** Number of proxies that refuse it, and number of all proxies in their fleets. */
  readonly proxies: number;
  readonly total: number;
}

/** The part of a compile's result that proxies serve. */
export type ServedDelta = Pick<CompileDelta, 'changed' | 'removed'> & FleetDelta;

/** The progress of a listener: `acked` of `total` proxies of its Gateway serve its current version. */
export interface Progress {
  readonly acked: number;
  readonly total: number;
}

/** Callbacks about changes. */
export interface ProxyReportsListener {
  /** The number of proxies that serve a listener (key) has changed. */
  progressed(listener: string): void;
  /** The number of proxies has changed: those of a Gateway `<namespace>/<name>`, or (null) the shared ones. */
  proxiesChanged(gateway: string | null): void;
  /** The refusal of a resource is new or different; null means that no proxy refuses it any more. */
  refused(kind: ResourceKind, key: string, refusal: Refusal | null): void;
}

/** A connected proxy. */
interface Proxy {
  /** The resources that the proxy may read. */
  readonly scope: string;
  /** The served version of each listener. */
  readonly serves: Map<string, string>;
  /** The challenges (keys) that the proxy answers, with their versions. */
  readonly answers: Map<string, string>;
}

const NONE: ReadonlySet<Proxy> = new Set();

interface Nack {
  readonly version: string;
  readonly errors: readonly RefusalError[];
}

export class ProxyReports {
  #listener: ProxyReportsListener | null = null;
  readonly #fleets = new FleetScopes();
  /** Current versions of resources by id. */
  readonly #versions = new Map<string, string>();
  readonly #proxies = new Map<string, Proxy>();
  /** The connected proxies by scope. */
  readonly #scopes = new Map<string, Set<Proxy>>();
  /**
   * By resource id: the nack of each proxy, for the current version or a later one, since another controller may be ahead of this one.
   * The map is small: proxies seldom refuse compiled resources.
   */
  readonly #nacks = new Map<string, Map<string, Nack>>();

  /** Sets the listener. */
  onChange(listener: ProxyReportsListener): void {
    this.#listener = listener;
  }

  /** Sets the current versions. Must run before the resources are pushed. */
  apply({ changed, removed, ...fleets }: ServedDelta): void {
    for (const gateway of this.#fleets.apply(fleets)) this.#listener?.proxiesChanged(gateway);
    for (const { kind, key, version } of changed) this.#setVersion(kind, key, version);
    for (const { kind, key } of removed) this.#setVersion(kind, key, null);
  }

  /** Drops the nacks of other versions. */
  #setVersion(kind: ResourceKind, key: string, version: string | null): void {
    const id = resourceId(kind, key);
    const nacks = this.#nacks.get(id);
    if (version === null && kind === 'Challenge') for (const { answers } of this.#proxies.values()) answers.delete(key);
    if (version === null) this.#versions.delete(id);
    else this.#versions.set(id, version);
    if (nacks === undefined) return;
    for (const [proxy, nack] of nacks) if (nack.version !== version) nacks.delete(proxy);
    if (nacks.size === 0) this.#nacks.delete(id);
    this.#listener?.refused(kind, key, this.refusalOf(kind, key));
  }

  connected(name: string, scope: string): void {
    const proxy: Proxy = { scope, serves: new Map(), answers: new Map() };
    this.#proxies.set(name, proxy);
    this.#scopes.set(scope, (this.#scopes.get(scope) ?? new Set()).add(proxy));
    this.#proxiesChanged(scope);
  }

  disconnected(name: string): void {
    const proxy = this.#proxies.get(name);
    if (proxy === undefined) return;
    const { scope } = proxy;
    this.#proxies.delete(name);
    const others = this.#scopes.get(scope);
    others?.delete(proxy);
    if (others?.size === 0) this.#scopes.delete(scope);
    for (const id of [...this.#nacks.keys()]) this.#clear(id, name);
    this.#proxiesChanged(scope);
  }

  #proxiesChanged(scope: string): void {
    this.#listener?.proxiesChanged(scope === SHARED ? null : scope);
  }

  /** The proxy serves this version. */
  acked(proxy: string, kind: ResourceKind, key: string, version: string): void {
    const id = resourceId(kind, key);
    this.#clear(id, proxy);
    if (kind === 'Challenge') this.#proxies.get(proxy)?.answers.set(key, version);
    if (kind !== 'Listener') return;
    this.#proxies.get(proxy)?.serves.set(key, version);
    if (this.#versions.has(id)) this.#listener?.progressed(key);
  }

  /** The proxy refuses this version and keeps the previous one. */
  nacked(proxy: string, kind: ResourceKind, key: string, nack: Nack): void {
    const serves = this.#proxies.get(proxy)?.serves;
    if (serves === undefined) return;
    // A later resource may break a listener that was served: its certificate, for example.
    if (kind === 'Listener') serves.delete(key);
    const id = resourceId(kind, key);
    const nacks = this.#nacks.get(id) ?? new Map<string, Nack>();
    nacks.set(proxy, nack);
    this.#nacks.set(id, nacks);
    if (nack.version === this.#versions.get(id)) this.#listener?.refused(kind, key, this.refusalOf(kind, key));
  }

  /** Number of resources that a proxy refuses. */
  get refused(): number {
    return this.#nacks.size;
  }

  /** Number of connected proxies that serve this Gateway. */
  sizeOf(gateway: string): number {
    return this.#proxiesOf(gateway).size;
  }

  #proxiesOf(gateway: string): ReadonlySet<Proxy> {
    return this.#scopes.get(this.#fleets.scopeOf(gateway)) ?? NONE;
  }

  /** Number of proxies of the Gateway that serve the current version of a listener. */
  progressOf(listener: string): Progress {
    const version = this.#versions.get(resourceId('Listener', listener));
    const proxies = this.#proxiesOf(gatewayOfListener(listener));
    let acked = 0;
    for (const { serves } of proxies) if (version !== undefined && serves.get(listener) === version) acked++;
    return { acked, total: proxies.size };
  }

  /** Number of proxies of a Gateway that give the current answer to a challenge (key). */
  deliveryOf(gateway: string, challenge: string): { readonly delivered: number; readonly total: number } {
    const version = this.#versions.get(resourceId('Challenge', challenge));
    const proxies = [...this.#proxiesOf(gateway)];
    const delivered = proxies.filter(({ answers }) => version !== undefined && answers.get(challenge) === version);
    return { delivered: delivered.length, total: proxies.length };
  }

  /** The current versions of the listeners (keys) as one text, to be compared. */
  versionsOf(listeners: readonly string[]): string {
    return listeners.map((key) => `${key}=${this.#versions.get(resourceId('Listener', key)) ?? ''}`).join(' ');
  }

  refusalOf(kind: ResourceKind, key: string): Refusal | null {
    const id = resourceId(kind, key);
    const nacks = [...(this.#nacks.get(id) ?? [])].filter(([, { version }]) => version === this.#versions.get(id));
    const first = nacks[0]?.[1];
    if (first === undefined) return null;
    const proxies = nacks.map(([proxy]) => proxy);
    return { kind, key, version: first.version, errors: first.errors, proxies: proxies.length, total: this.#fleetSizesOf(proxies) };
  }

  /** All current refusals. */
  refusals(): readonly Refusal[] {
    return [...this.#nacks.keys()].flatMap((id) => this.refusalOf(...splitId(id)) ?? []);
  }

  /** The number of proxies in the fleets of these. */
  #fleetSizesOf(proxies: Iterable<string>): number {
    const scopes = new Set<string>();
    for (const proxy of proxies) scopes.add(this.#proxies.get(proxy)?.scope ?? SHARED);
    return [...scopes].reduce((total, scope) => total + (this.#scopes.get(scope)?.size ?? 0), 0);
  }

  /** Drops the nack of one proxy. */
  #clear(id: string, proxy: string): void {
    const nacks = this.#nacks.get(id);
    const nack = nacks?.get(proxy);
    if (nacks === undefined || nack === undefined) return;
    nacks.delete(proxy);
    if (nacks.size === 0) this.#nacks.delete(id);
    const [kind, key] = splitId(id);
    if (nack.version === this.#versions.get(id)) this.#listener?.refused(kind, key, this.refusalOf(kind, key));
  }
}

function splitId(id: string): [ResourceKind, string] {
  const bar = id.indexOf('|');
  return [id.slice(0, bar) as ResourceKind, id.slice(bar + 1)];
}
