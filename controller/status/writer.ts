// Writes statuses to the cluster: as leader only, Weir's own entries only, and only if they differ. Only the latest status counts.
//
// It uses a JSON merge patch of the status subresource with the resourceVersion that it was computed from. Server-side apply does not
// work: status.parents is an atomic list in the CRD, so controllers that share a route would overwrite each other's entries. A patch
// with a version cannot lose concurrent writes: the server refuses it, and the writer merges again.
import { setTimeout as delay } from 'node:timers/promises';
import { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import { groupOf, KINDS, POLICY_KINDS, ROUTE_KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { DesiredStatus } from '../compile/result.ts';
import { messageOf } from '../watch/api-client.ts';
import type { ApiClient } from '../watch/api-client.ts';
import { objectPath } from '../watch/api-paths.ts';
import type { RawObject } from '../watch/kinds.ts';
import { liveStatusOf } from '../watch/live-status.ts';
import type { LiveStatus, LiveStatuses } from '../watch/live-status.ts';
import { OwnWrites } from '../watch/own-writes.ts';
import { mergeStatus, withoutOwnConditions, withoutOwnEntries } from './merge.ts';
import type { StatusPatch } from './merge.ts';
import { WorkQueue } from './work-queue.ts';
import type { WorkOutcome } from './work-queue.ts';

/** The result of one write, a label of the metric. */
export type WriteResult = 'written' | 'equal' | 'conflict' | 'gone' | 'failed';

export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly live: LiveStatuses;
  readonly controllerName: string;
  /** Whether this controller leads; called before every write. */
  readonly leads: () => boolean;
  readonly log: Log;
  /** If absent, bugs are logged but not counted. */
  readonly faults?: Faults;
  /** Called with every result, for metrics. */
  readonly wrote?: (kind: string, result: WriteResult) => void;
  readonly limits?: Partial<StatusLimits>;
}

/** Limits of the load on the API server; times in milliseconds. */
export interface StatusLimits {
  readonly concurrency: number;
  readonly perSecond: number;
  /** Minimum time between two writes to one object. Fast changes (attachedRoutes) are written together. */
  readonly interval: number;
  /** Maximum of the interval: each write without a rest before it doubles the interval. */
  readonly intervalMaximum: number;
  readonly retryMinimum: number;
  readonly retryMaximum: number;
  /** Delay before a status that another client changed is compared. */
  readonly reassert: number;
}

export const STATUS_LIMITS: StatusLimits = {
  concurrency: 8,
  perSecond: 200,
  interval: 250,
  intervalMaximum: 2_000,
  retryMinimum: 500,
  retryMaximum: 60_000,
  reassert: 2_000,
};

/** How often a conflict is merged again before the object goes back to the queue. */
const MAX_CONFLICTS = 5;

/** The desired status of an object; null removes Weir's entries from it. */
interface Desired {
  readonly ref: ObjectRef;
  readonly status: DesiredStatus | null;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #limits: StatusLimits;
  readonly #rate: TokenBucket;
  readonly #queue: WorkQueue;
  readonly #desired = new Map<string, Desired>();
  readonly #writes = new OwnWrites<LiveStatus>();
  readonly #failures = new Map<string, number>();
  /** By object id: the last rest, and when it ended. */
  readonly #rests = new Map<string, { readonly ms: number; readonly until: number }>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#limits = { ...STATUS_LIMITS, ...options.limits };
    this.#rate = new TokenBucket({ burst: this.#limits.perSecond, perSecond: this.#limits.perSecond });
    const { concurrency } = this.#limits;
    this.#queue = new WorkQueue({
      concurrency,
      open: options.leads,
      work: (id) => this.#work(id),
      faults: options.faults ?? new Faults(options.log),
    });
    options.live.onChange((live) => this.#changed(live));
  }

  /** Takes desired statuses. `forgotten`: objects that get no entries from Weir any more. */
  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void {
    for (const ref of forgotten) this.#setDesired({ ref, status: null });
    for (const status of statuses) this.#setDesired({ ref: status.ref, status });
  }

  /** This controller leads now: it writes all statuses that differ and removes entries that an earlier leader left behind. */
  resume(): void {
    for (const { ref, status } of this.#options.live.all()) {
      const abandoned = entriesOf(ref.kind) !== null && !this.#desired.has(objectId(ref)) && status.includes(this.#options.controllerName);
      if (abandoned) this.#setDesired({ ref, status: null });
    }
    for (const id of this.#desired.keys()) this.#queue.request(id);
  }

  /** Number of objects in the queue. */
  get depth(): number {
    return this.#queue.depth;
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  #setDesired(desired: Desired): void {
    const id = objectId(desired.ref);
    this.#desired.set(id, desired);
    this.#failures.delete(id);
    this.#queue.request(id);
  }

  /** The watch delivers a status: of our own write, or of another client, which may have removed our entries. */
  #changed(live: LiveStatus): void {
    const id = objectId(live.ref);
    if (this.#writes.delivered(id, live) || !this.#desired.has(id)) return;
    if (this.#options.leads()) this.#queue.requestLater(id, this.#limits.reassert);
  }

  async #work(id: string): Promise<WorkOutcome> {
    const desired = this.#desired.get(id);
    if (desired === undefined) return { restMs: 0, again: false };
    const result = await this.#bring(id, desired).catch((error: unknown) => {
      this.#options.log.warn({ err: error, object: id }, 'a status could not be written');
      return 'failed' as const;
    });
    this.#options.wrote?.(desired.ref.kind, result);
    return this.#outcome(id, desired, result);
  }

  #outcome(id: string, desired: Desired, result: WriteResult): WorkOutcome {
    if (result === 'failed' || result === 'conflict') return { restMs: this.#retryAfter(id), again: true };
    this.#failures.delete(id);
    const isDone = result === 'gone' || desired.status === null;
    // The desired status may have changed during the write; a new one must stay.
    if (isDone && this.#desired.get(id) === desired) this.#forget(id);
    return { restMs: result === 'written' ? this.#restAfterWrite(id) : 0, again: false };
  }

  /** The next rest of an object: doubled if the last one has just ended, else the minimum. */
  #restAfterWrite(id: string): number {
    const { interval, intervalMaximum } = this.#limits;
    const now = performance.now();
    const last = this.#rests.get(id);
    const goesOn = last !== undefined && now < last.until + last.ms;
    const ms = goesOn ? Math.min(intervalMaximum, last.ms * 2) : interval;
    this.#rests.set(id, { ms, until: now + ms });
    return ms;
  }

  #retryAfter(id: string): number {
    const failures = this.#failures.get(id) ?? 0;
    this.#failures.set(id, failures + 1);
    const ceiling = Math.min(this.#limits.retryMaximum, this.#limits.retryMinimum * 2 ** Math.min(failures, 20));
    return ceiling / 2 + Math.random() * (ceiling / 2);
  }

  #forget(id: string): void {
    this.#desired.delete(id);
    this.#writes.forget(id);
    this.#rests.delete(id);
  }

  /** Writes the desired status of an object. Rejects on a lost connection. */
  async #bring(id: string, desired: Desired): Promise<WriteResult> {
    let live: LiveStatus | null = this.#liveOf(id, desired.ref);
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      // A different uid means a new object of the same name; compile will produce its status.
      if (live === null || isOther(live, desired.status)) return 'gone';
      const patch = this.#patchFor(live, desired);
      if (patch === null) return 'equal';
      const result = await this.#patch(id, live, patch);
      if (result !== 'conflict') return result;
      live = await this.#read(desired.ref);
    }
    return 'conflict';
  }

  #liveOf(id: string, ref: ObjectRef): LiveStatus | null {
    return this.#writes.latest(id, this.#options.live.get(ref)) ?? null;
  }

  #patchFor(live: LiveStatus, { status }: Desired): StatusPatch | null {
    const now = `${new Date().toISOString().slice(0, 19)}Z`;
    const options = { controllerName: this.#options.controllerName, now };
    const current = JSON.parse(live.status) as unknown;
    if (status !== null) return mergeStatus(current, status, options);
    if (live.ref.kind === 'Backend') return withoutOwnConditions(current, options);
    const list = entriesOf(live.ref.kind);
    return list === null ? null : withoutOwnEntries(current, list, options);
  }

  async #patch(id: string, live: LiveStatus, status: StatusPatch): Promise<WriteResult> {
    for (let wait = this.#rate.take(); wait > 0; wait = this.#rate.take()) await delay(wait);
    if (!this.#options.leads()) return 'equal';
    const { apiVersion, kind } = KINDS[live.ref.kind as KindName];
    const body = { apiVersion, kind, metadata: { uid: live.uid, resourceVersion: live.resourceVersion }, status };
    const path = `${objectPath(live.ref)}/status?fieldManager=weir`;
    const contentType = 'application/merge-patch+json';
    const reply = await this.#options.client.call({ method: 'PATCH', path, body, contentType });
    if (reply.status === 200) this.#remember(id, live, reply.body as RawObject);
    return this.#resultOf(live.ref, reply.status, reply.body);
  }

  #remember(id: string, before: LiveStatus, object: RawObject): void {
    const watched = this.#options.live.get(before.ref);
    // An object that the watch does not have any more was deleted meanwhile.
    if (watched !== undefined) this.#writes.wrote(id, liveStatusOf(before.ref, object), watched);
  }

  #resultOf(ref: ObjectRef, status: number, body: unknown): WriteResult {
    if (status === 200) return 'written';
    if (status === 409) return 'conflict';
    if (status === 404) return 'gone';
    const lacks = status === 403 ? { lackingRule: ruleFor(ref, '/status', 'patch') } : {};
    this.#options.log.warn({ object: objectId(ref), status, reason: messageOf(body), ...lacks }, 'the API server refuses a status');
    return 'failed';
  }

  async #read(ref: ObjectRef): Promise<LiveStatus | null> {
    const { status, body } = await this.#options.client.call({ method: 'GET', path: objectPath(ref) });
    if (status === 404) return null;
    if (status !== 200) {
      const lacks = status === 403 ? `, the rule ${JSON.stringify(ruleFor(ref, '', 'get'))} is missing` : '';
      throw new Error(`${objectId(ref)} cannot be read: ${messageOf(body) ?? String(status)}${lacks}`);
    }
    return liveStatusOf(ref, body as RawObject);
  }
}

/** The ClusterRole rule that is missing after a 403; `part` is '/status' or ''. */
function ruleFor(ref: ObjectRef, part: '' | '/status', verb: string): object {
  const { apiVersion, plural } = KINDS[ref.kind as KindName];
  return { apiGroups: [groupOf(apiVersion)], resources: [`${plural}${part}`], verbs: [verb] };
}

/** The status field with entries of several controllers; null if the kind has none. */
function entriesOf(kind: string): 'parents' | 'ancestors' | null {
  if (ROUTE_KINDS.has(kind)) return 'parents';
  return POLICY_KINDS.has(kind) ? 'ancestors' : null;
}

function isOther(live: LiveStatus, status: DesiredStatus | null): boolean {
  const uid = status?.uid ?? '';
  return uid !== '' && uid !== live.uid;
}
