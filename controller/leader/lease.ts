// Leader election by a Lease (coordination.k8s.io/v1): which of several controllers writes statuses and Events.
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

/** Times in milliseconds, as client-go has them: duration > renewDeadline > retry. */
export interface LeaseTimes {
  /** For how long others leave a Lease alone that is not renewed. */
  readonly duration: number;
  /** A leader that could not renew for so long leads no more. Less than `duration`, so that it ends before another begins. */
  readonly renewDeadline: number;
  /** Between two tries to acquire or renew. */
  readonly retry: number;
}

export const LEASE_TIMES: LeaseTimes = { duration: 15_000, renewDeadline: 10_000, retry: 2_000 };

/** A candidate. */
export interface LeaseOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
  /** Different for every candidate. */
  readonly identity: string;
  readonly times?: LeaseTimes;
  readonly log: Log;
  /** Told when this candidate begins and ceases to lead. */
  readonly changed: (leading: boolean) => void;
  /** Where others reach this candidate, `host:port`, for as long as it leads; nothing is told without. */
  readonly address?: () => string;
  /** Told where another that leads is reached; null when nobody else does, or nothing is known. */
  readonly followed?: (address: string | null) => void;
}

/** What a candidate may do with its Lease. */
const RULE = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] };

/** On the Lease: where its holder is reached. */
const ADDRESS = 'gateway.weir.dev/push-address';

/** The Lease as last seen, and since when it has looked like that. The holder's own timestamps are never compared with our clock. */
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
  /** Until when this candidate may act as leader, on the monotonic clock; 0 when it does not lead. */
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

  /** True while this candidate may write. Asked before every write: a process that was asleep finds out at once. */
  leads(): boolean {
    return this.#leadsUntil !== 0 && performance.now() < this.#leadsUntil;
  }

  /** Gives the Lease up, so that another need not wait for it to run out. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const held = this.#observed !== null && this.leads();
    this.#lose();
    if (held) await this.#release().catch((error: unknown) => this.#options.log.warn({ err: error }, 'the lease could not be released'));
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#try();
      // Jitter keeps candidates from asking in step.
      const wait = this.#times.retry * (this.leads() ? 1 : 1 + Math.random() / 5);
      await delay(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #try(): Promise<void> {
    // Counted from before the request: the server may have written our renewal at any moment since.
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

  /** The words of the API server name the verb that is refused. */
  #complain(error: unknown): void {
    const isForbidden = error instanceof ApiError && error.status === 403;
    this.#options.log.warn({ err: error, ...(isForbidden ? { lackingRule: RULE } : {}) }, 'the lease cannot be read or written');
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
    this.#options.log.info({ leading, identity: this.#options.identity }, leading ? 'leading' : 'not leading any more');
    this.#options.changed(leading);
  }

  /** True when the Lease is ours now. Rejects when that cannot be told. */
  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    // A leader renews what it wrote last; only when that fails has somebody else written.
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

  /** Writes our claim over what was observed; the server refuses when anybody has written since. */
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

  /** What was cut off when the candidate stopped may have been written all the same: then it is read again, once. */
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
