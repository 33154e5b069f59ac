// Leader election by a Lease (coordination.k8s.io/v1): only the leader writes statuses and Events.
//
//   follower ──the Lease is free, or unchanged for its whole duration by our own clock──> leader
//      ^                                                                                     │
//      └── another holds it, or no renewal within the deadline, or stopped (then released) ──┘
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '#lib/log.ts';
import { ApiError } from '../watch/api-client.ts';
import type { ApiClient } from '../watch/api-client.ts';
import { metadataOf } from '../watch/kinds.ts';
import type { RawObject } from '../watch/kinds.ts';

/** Times in milliseconds, related as in client-go: duration > renewDeadline > retry. */
export interface LeaseTimes {
  /** How long other candidates respect a Lease that is not renewed. */
  readonly duration: number;
  /** A leader stops leading if it could not renew for this time. Less than `duration`, so that it stops before another starts. */
  readonly renewDeadline: number;
  /** Pause between two attempts to acquire or renew. */
  readonly retry: number;
}

export const LEASE_TIMES: LeaseTimes = { duration: 15_000, renewDeadline: 10_000, retry: 2_000 };

/** A candidate. */
export interface LeaseOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique among the candidates. */
  readonly identity: string;
  readonly times?: LeaseTimes;
  readonly log: Log;
  /** Called when this candidate starts or stops leading. */
  readonly changed: (leading: boolean) => void;
  /** The `host:port` at which others reach this candidate; published while it leads. If absent, no address is published. */
  readonly address?: () => string;
  /** Called with the address of another leader; null if there is none, or it publishes no address. */
  readonly followed?: (address: string | null) => void;
}

/** The Role rule that a candidate needs. */
const RULE = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] };

/** Annotation of the Lease: the address of its holder. */
const ADDRESS = 'gateway.weir.dev/push-address';

/** The Lease as last seen, and since when it has not changed. The holder's timestamps are never compared with the local clock. */
interface Observed {
  readonly object: RawObject;
  readonly resourceVersion: string;
  readonly since: number;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly leaseTransitions?: number;
}

type Annotations = Readonly<Record<string, string>>;

export class LeaseElection {
  readonly #options: LeaseOptions;
  readonly #times: LeaseTimes;
  readonly #stop = new AbortController();
  #observed: Observed | null = null;
  /** End of this candidate's leadership unless renewed, on the monotonic clock; 0 while it does not lead. */
  #leadsUntil = 0;
  #expiry: NodeJS.Timeout | null = null;
  #failing = false;
  #following: string | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#times = options.times ?? LEASE_TIMES;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Whether this candidate may write. Checked before every write, since the process may have been suspended. */
  leads(): boolean {
    return this.#leadsUntil !== 0 && performance.now() < this.#leadsUntil;
  }

  /** Releases the Lease, so that another candidate does not wait for its end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const held = this.#observed !== null && this.leads();
    this.#lose();
    if (held) await this.#release().catch((error: unknown) => this.#options.log.warn({ err: error }, 'cannot release the Lease'));
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#try();
      // Jitter keeps candidates from asking at the same moment.
      const wait = this.#times.retry * (this.leads() ? 1 : 1 + Math.random() / 5);
      await delay(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #try(): Promise<void> {
    // Measured before the request: the server may write the renewal at any moment after this.
    const asked = performance.now();
    const timeout = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.#times.renewDeadline)]);
    try {
      if (await this.#acquireOrRenew(timeout)) this.#lead(asked + this.#times.renewDeadline);
      else this.#lose();
      this.#follow();
      this.#failing = false;
    } catch (error) {
      if (!this.#stop.signal.aborted && !this.#failing) this.#complain(error);
      this.#failing = true;
    }
  }

  /** The message of the API server names the refused verb. */
  #complain(error: unknown): void {
    const isForbidden = error instanceof ApiError && error.status === 403;
    this.#options.log.warn({ err: error, ...(isForbidden ? { lackingRule: RULE } : {}) }, 'cannot read or write the Lease');
  }

  #follow(): void {
    const object = this.#observed?.object;
    const isFollower = !this.leads() && object !== undefined && (specOf(object).holderIdentity ?? '') !== '';
    const address = isFollower ? (annotationsOf(object)[ADDRESS] ?? null) : null;
    if (address === this.#following) return;
    this.#following = address;
    this.#options.followed?.(address);
  }

  #lead(until: number): void {
    const began = this.#leadsUntil === 0;
    this.#leadsUntil = until;
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#lose(), Math.max(0, until - performance.now()));
    if (began) this.#told(true);
  }

  #lose(): void {
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = null;
    if (this.#leadsUntil === 0) return;
    this.#leadsUntil = 0;
    this.#told(false);
  }

  #told(leading: boolean): void {
    this.#options.log.info({ leading, identity: this.#options.identity }, leading ? 'leading' : 'no longer leading');
    this.#options.changed(leading);
  }

  /** Whether this candidate holds the Lease now. Rejects if the outcome is unknown. */
  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    // The leader first tries to renew its last version; a failure means that another client has changed the Lease.
    if (this.leads() && this.#observed !== null && (await this.#put(this.#observed, signal))) return true;
    const { status, body } = await this.#options.client.call({ method: 'GET', path: this.#path(), signal });
    if (status === 404) return this.#create(signal);
    if (status !== 200) throw new ApiError(status, body);
    const observed = this.#observe(body as RawObject);
    if (!this.#mayTake(observed)) return false;
    return this.#put(observed, signal);
  }

  #mayTake({ object, since }: Observed): boolean {
    const { holderIdentity = '', leaseDurationSeconds = 0 } = specOf(object);
    if (holderIdentity === '' || holderIdentity === this.#options.identity) return true;
    return performance.now() - since > leaseDurationSeconds * 1_000;
  }

  #observe(object: RawObject): Observed {
    const resourceVersion = String(metadataOf(object)['resourceVersion']);
    if (this.#observed?.resourceVersion !== resourceVersion) this.#observed = { object, resourceVersion, since: performance.now() };
    return this.#observed;
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { namespace, name } = this.#options;
    const metadata = { namespace, name, annotations: this.#annotations({}) };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: this.#spec({}) };
    return this.#write('POST', this.#collection(), body, signal);
  }

  /** Writes this candidate's claim based on the observed version; false after a conflict. */
  #put({ object }: Observed, signal: AbortSignal): Promise<boolean> {
    const metadata = { ...metadataOf(object), annotations: this.#annotations(annotationsOf(object)) };
    return this.#write('PUT', this.#path(), { ...object, metadata, spec: this.#spec(specOf(object)) }, signal);
  }

  #annotations({ [ADDRESS]: _former, ...others }: Annotations): Annotations {
    const address = this.#options.address?.() ?? '';
    return address === '' ? others : { ...others, [ADDRESS]: address };
  }

  async #write(method: 'POST' | 'PUT', path: string, body: unknown, signal: AbortSignal): Promise<boolean> {
    const reply = await this.#options.client.call({ method, path, body, signal });
    if (reply.status === 409 || (method === 'PUT' && reply.status === 404)) return false;
    if (reply.status !== 200 && reply.status !== 201) throw new ApiError(reply.status, reply.body);
    this.#observe(reply.body as RawObject);
    return true;
  }

  #spec(before: LeaseSpec): Record<string, unknown> {
    const { identity } = this.#options;
    const now = microTime();
    const renews = before.holderIdentity === identity;
    return {
      ...before,
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(this.#times.duration / 1_000)),
      acquireTime: renews ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before.leaseTransitions ?? 0) + (renews || before.holderIdentity === undefined ? 0 : 1),
    };
  }

  /** If `stop` aborted a write, the server may have executed it. A conflict therefore leads to one more read and write. */
  async #release(): Promise<void> {
    const signal = AbortSignal.timeout(this.#times.retry);
    const { client, identity } = this.#options;
    let object = this.#observed?.object;
    for (let tries = 0; tries < 2 && object !== undefined && specOf(object).holderIdentity === identity; tries++) {
      const spec = { ...specOf(object), holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() };
      const { status } = await client.call({ method: 'PUT', path: this.#path(), body: { ...object, spec }, signal });
      if (status !== 409) return;
      object = (await client.ask({ method: 'GET', path: this.#path(), signal })) as RawObject;
    }
  }

  #collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(this.#options.namespace)}/leases`;
  }

  #path(): string {
    return `${this.#collection()}/${encodeURIComponent(this.#options.name)}`;
  }
}

function specOf(object: RawObject): LeaseSpec {
  return (object['spec'] ?? {}) as LeaseSpec;
}

function annotationsOf(object: RawObject): Annotations {
  return (metadataOf(object)['annotations'] ?? {}) as Annotations;
}

/** metav1.MicroTime. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
