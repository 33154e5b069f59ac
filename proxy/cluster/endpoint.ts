// An address of a backend, with its pools and its state. All clusters and routes that use the address share it.
import type { ConnectListener, Transport, UpstreamEndpoint, UpstreamPool } from '../exchange/plan.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { EjectionNotice, Notices } from '../exchange/notices.ts';
import { ejectionKey, endpointKey, splitEjectionKey } from '../exchange/notices.ts';
import type { BackendCounts } from '../exchange/upstream-counts.ts';
import { Breakers } from './breaker/breakers.ts';
import type { BreakerSettings } from './breaker/breaker-settings.ts';
import type { TellTripped } from './breaker/tell-tripped.ts';
import { tripped } from './breaker/tell-tripped.ts';
import { Outliers } from './health/outliers.ts';
import type { OutlierSettings } from './health/outlier-settings.ts';
import { Refusal } from './health/refusing.ts';

/** The number of connections, of those that are idle or count apart, and of waiting exchanges. */
export interface PoolCounts {
  readonly open: number;
  readonly idle: number;
  readonly pending: number;
  readonly slow: number;
}

/** The pool of an endpoint, as the endpoint uses it. */
export interface EndpointPool extends UpstreamPool {
  readonly counts: PoolCounts;
  /** Closes idle connections now, and busy ones when they become idle. */
  close(): void;
}

/** The information about its endpoint that a pool gets. */
export type PoolTarget = ConnectListener & Pick<UpstreamEndpoint, 'address' | 'port'>;

/** Creates a pool of connections to an endpoint. */
export type CreatePool = (endpoint: PoolTarget, transport: Transport) => EndpointPool;

/** A cluster with the endpoint. */
export interface EndpointUser {
  /** The outcomes of connections to the endpoint count here. */
  readonly counts: BackendCounts;
  readonly endpoints: readonly unknown[];
  /** The detections of outliers that its rules want. */
  readonly detections: Iterable<OutlierSettings>;
  /** The breakers of single endpoints that its rules want. */
  readonly endpointBreakers: Iterable<BreakerSettings>;
  /** Whether it avoids an endpoint that is ejected: ejections count up to a share of the endpoints. Null if no request has used it. */
  avoidsEjected(endpoint: Endpoint): boolean | null;
  /** The endpoint became usable or unusable for some reason. */
  endpointChanged(): void;
}

export type Override = Notices['override'];

/** Tells the other workers about states of endpoints that this one found. */
export interface EndpointTells {
  /** The endpoint is ejected, or its ejection ended (null). Key: `ejectionKey`. */
  readonly ejection: (key: string, notice: EjectionNotice | null) => void;
  readonly tripped: TellTripped;
}

const SILENT: EndpointTells = { ejection: ignore, tripped: ignore };

/** The timers of endpoints. */
export type EndpointTimers = Pick<TimerWheel, 'arm' | 'disarm'>;

const HEALTHY: ReadonlySet<string> = new Set();

/** An address for exchanges. It exists as long as a cluster has the address. */
export class Endpoint implements UpstreamEndpoint {
  readonly address: string;
  readonly port: number;
  active = 0;
  /** The clusters with this endpoint. */
  readonly users = new Set<EndpointUser>();
  /** What an operator says of it; null: nothing. */
  override: Override | null = null;
  /** Whether connections to it fail. */
  readonly refusal: Refusal;
  /** The ids of the checks that it fails; a new set after each change. */
  unhealthy: ReadonlySet<string> = HEALTHY;
  /** Whether its requests fail. */
  readonly outliers: Outliers;
  /** Whether a breaker stops requests to it. */
  readonly breakers: Breakers;
  /** The number of clusters with this address. */
  references = 0;
  readonly #createPool: CreatePool;
  readonly #pools = new Map<Transport, EndpointPool>();
  /** The last requested pair: most endpoints have only one. */
  #transport: Transport | null = null;
  #pool: EndpointPool | null = null;

  constructor(address: string, port: number, createPool: CreatePool, timers: EndpointTimers, tell: EndpointTells = SILENT) {
    this.address = address;
    this.port = port;
    this.#createPool = createPool;
    this.refusal = new Refusal(timers, () => this.changed());
    this.outliers = new Outliers({
      timers,
      wanted: () => [...this.users].flatMap(({ detections }) => [...detections]),
      replaceable: () => [...this.users].some(({ endpoints }) => endpoints.length > 1),
      tell: (detection, notice) => {
        if (notice !== null) for (const { counts } of this.users) counts.ejected(this, notice.cause);
        tell.ejection(ejectionKey(endpointKey(address, port), detection), notice);
      },
      changed: () => this.changed(),
    });
    this.breakers = new Breakers({
      timers,
      tell: tripped('Endpoint', endpointKey(address, port), tell.tripped, (cause) => {
        for (const { counts } of this.users) counts.breakerOpened(cause);
      }),
      changed: () => this.changed(),
    });
  }

  get counts(): readonly PoolCounts[] {
    return Array.from(this.#pools.values(), (pool) => pool.counts);
  }

  pool(transport: Transport): EndpointPool {
    if (this.#transport !== transport || this.#pool === null) {
      this.#transport = transport;
      this.#pool = this.#pools.get(transport) ?? this.#open(transport);
    }
    return this.#pool;
  }

  connected(ms: number): void {
    this.refusal.connected();
    for (const { counts } of this.users) counts.connected(ms);
  }

  connectFailed(): void {
    for (const { counts } of this.users) counts.connectFailed(this);
    this.refusal.connectFailed();
  }

  /** It became usable or unusable for some reason. */
  changed(): void {
    for (const user of this.users) user.endpointChanged();
  }

  /** Forgets the breakers that no user wants any more. */
  keepBreakers(): void {
    if (this.breakers.inUse) this.breakers.keep([...this.users].flatMap(({ endpointBreakers }) => [...endpointBreakers]));
  }

  /** Closes idle connections now, and busy ones when they finish. */
  close(): void {
    this.refusal.stop();
    this.breakers.stop();
    this.outliers.stop();
    for (const pool of this.#pools.values()) pool.close();
  }

  /** A new transport may have replaced another: empty pools are removed. */
  #open(transport: Transport): EndpointPool {
    for (const [other, { counts }] of this.#pools) {
      if (counts.open === 0 && counts.pending === 0) this.#pools.delete(other);
    }
    const pool = this.#createPool(this, transport);
    this.#pools.set(transport, pool);
    return pool;
  }
}

/** All endpoints by address and port: an address has one state, regardless of the number of its clusters. */
export class EndpointRegistry {
  readonly #endpoints = new Map<string, Endpoint>();
  /** By key of the endpoint, also of those that do not exist yet. */
  readonly #overrides = new Map<string, Override>();
  /** The ejections by other workers, by key of the endpoint and detection, also of endpoints that do not exist yet. */
  readonly #ejections = new Map<string, Map<string, EjectionNotice>>();
  readonly #createPool: CreatePool;
  readonly timers: EndpointTimers;
  readonly tells: EndpointTells;
  /** The zone of the proxy; '' is unknown. */
  readonly zone: string;

  constructor(createPool: CreatePool, timers: EndpointTimers, tells: EndpointTells = SILENT, zone = '') {
    this.#createPool = createPool;
    this.timers = timers;
    this.tells = tells;
    this.zone = zone;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  /** All endpoints, for metrics and dumps. */
  values(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  /** The endpoint of an address, created if it is new. Return it with `release`. */
  acquire(address: string, port: number): Endpoint {
    const id = endpointKey(address, port);
    let endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) {
      endpoint = new Endpoint(address, port, this.#createPool, this.timers, this.tells);
      endpoint.override = this.#overrides.get(id) ?? null;
      this.#endpoints.set(id, endpoint);
      for (const [detection, notice] of this.#ejections.get(id) ?? []) endpoint.outliers.take(detection, notice);
    }
    endpoint.references++;
    return endpoint;
  }

  /** Sets what an operator says of an address (`endpointKey`), until the next word; null takes it back. */
  override(key: string, override: Override | null): void {
    if (override === null) this.#overrides.delete(key);
    else this.#overrides.set(key, override);
    const endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) return;
    endpoint.override = override;
    endpoint.changed();
  }

  /** Takes an ejection by another worker, or its end (null). Key: `ejectionKey`. */
  ejected(key: string, notice: EjectionNotice | null): void {
    const { endpoint, detection } = splitEjectionKey(key);
    const known = this.#ejections.get(endpoint) ?? new Map<string, EjectionNotice>();
    if (notice === null) known.delete(detection);
    else known.set(detection, notice);
    if (known.size === 0) this.#ejections.delete(endpoint);
    else this.#ejections.set(endpoint, known);
    this.#endpoints.get(endpoint)?.outliers.take(detection, notice);
  }

  /** A breaker of an endpoint (`endpointKey`) opened in another worker, or closed. */
  tripped(key: string, id: string, opened: boolean): void {
    this.#endpoints.get(key)?.breakers.follow(id, opened);
  }

  /** Returns an endpoint; after the last return its connections close as they become idle. */
  release(endpoint: Endpoint): void {
    endpoint.references--;
    if (endpoint.references > 0) return;
    this.#endpoints.delete(endpointKey(endpoint.address, endpoint.port));
    endpoint.close();
  }
}

function ignore(): void {
  // No other worker listens.
}
