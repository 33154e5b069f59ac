// Writes statuses to the cluster: only as leader, only Weir's own entries, only what differs, the latest of each object.
//
// By JSON merge patch on the status subresource with the resourceVersion it was computed from. Server-side apply would not do:
// status.parents of a route is an atomic list in the CRD, so that controllers that share a route would take the whole list from
// each other. A patch with a version cannot lose what another controller wrote meanwhile: the server refuses it, and it is merged anew.
import { setTimeout as delay } from 'node:timers/promises';
import { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { RateLimit } from '#lib/rate-limit.ts';
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
import { mergeStatus, withoutOwnEntries } from './merge.ts';
import type { StatusPatch } from './merge.ts';
import { WorkQueue } from './work-queue.ts';
import type { WorkOutcome } from './work-queue.ts';

/** What became of one write: the label of the metric. */
export type WriteResult = 'written' | 'equal' | 'conflict' | 'gone' | 'failed';

export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly live: LiveStatuses;
  readonly controllerName: string;
  /** Asked before every write. */
  readonly leads: () => boolean;
  readonly log: Log;
  /** Absent: bugs are logged and not counted. */
  readonly faults?: Faults;
  /** Told of every outcome: metrics. */
  readonly wrote?: (kind: string, result: WriteResult) => void;
  readonly limits?: Partial<StatusLimits>;
}

/** Bounds of the load on the API server; times in milliseconds. */
export interface StatusLimits {
  readonly concurrency: number;
  readonly perSecond: number;
  /** Between two writes to one object: what changes many times meanwhile (attachedRoutes) is written once. */
  readonly interval: number;
  /** The same where that goes on: every write that follows on another doubles the interval, up to this. */
  readonly intervalMaximum: number;
  readonly retryMinimum: number;
  readonly retryMaximum: number;
  /** After somebody else has changed a status, before it is looked at. */
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

/** How often a conflict is merged anew before the object has to wait its turn again. */
const MAX_CONFLICTS = 5;

/** What is wanted of an object: a status, or (null) that Weir's entries are taken off it. */
interface Wanted {
  readonly ref: ObjectRef;
  readonly status: DesiredStatus | null;
}

/** A write that the watch has not told of yet. */
interface Written {
  readonly basedOn: string;
  readonly live: LiveStatus;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #limits: StatusLimits;
  readonly #rate: RateLimit;
  readonly #queue: WorkQueue;
  readonly #wanted = new Map<string, Wanted>();
  readonly #written = new Map<string, Written>();
  readonly #failures = new Map<string, number>();
  /** The rest after the last write to an object, and when it ended. */
  readonly #rests = new Map<string, { readonly ms: number; readonly until: number }>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#limits = { ...STATUS_LIMITS, ...options.limits };
    this.#rate = new RateLimit({ burst: this.#limits.perSecond, perSecond: this.#limits.perSecond });
    const { concurrency } = this.#limits;
    this.#queue = new WorkQueue({
      concurrency,
      open: options.leads,
      work: (id) => this.#work(id),
      faults: options.faults ?? new Faults(options.log),
    });
    options.live.onChange((live) => this.#changed(live));
  }

  /** Takes what compile wants. `forgotten` are objects Weir has nothing to say about any more. */
  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void {
    for (const ref of forgotten) this.#want({ ref, status: null });
    for (const status of statuses) this.#want({ ref: status.ref, status });
  }

  /** This controller leads now: whatever differs is written, and entries that a former leader left behind are taken away. */
  resume(): void {
    for (const { ref, status } of this.#options.live.all()) {
      const abandoned = entriesOf(ref.kind) !== null && !this.#wanted.has(objectId(ref)) && status.includes(this.#options.controllerName);
      if (abandoned) this.#want({ ref, status: null });
    }
    for (const id of this.#wanted.keys()) this.#queue.request(id);
  }

  /** Objects waiting to be compared and written. */
  get depth(): number {
    return this.#queue.depth;
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  #want(wanted: Wanted): void {
    const id = objectId(wanted.ref);
    this.#wanted.set(id, wanted);
    this.#failures.delete(id);
    this.#queue.request(id);
  }

  /** Somebody has written: we, then there is nothing to do; another, then ours may be gone from it. */
  #changed(live: LiveStatus): void {
    const id = objectId(live.ref);
    const written = this.#written.get(id);
    if (written !== undefined && written.basedOn !== live.resourceVersion) this.#written.delete(id);
    if (written?.live.resourceVersion === live.resourceVersion || !this.#wanted.has(id)) return;
    if (this.#options.leads()) this.#queue.requestLater(id, this.#limits.reassert);
  }

  async #work(id: string): Promise<WorkOutcome> {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return { restMs: 0, again: false };
    const result = await this.#bring(id, wanted).catch((error: unknown) => {
      this.#options.log.warn({ err: error, object: id }, 'a status could not be written');
      return 'failed' as const;
    });
    this.#options.wrote?.(wanted.ref.kind, result);
    return this.#outcome(id, wanted, result);
  }

  #outcome(id: string, wanted: Wanted, result: WriteResult): WorkOutcome {
    if (result === 'failed' || result === 'conflict') return { restMs: this.#retryAfter(id), again: true };
    this.#failures.delete(id);
    const isDone = result === 'gone' || wanted.status === null;
    // Meanwhile something else may have come to be wanted: then that is not to be forgotten.
    if (isDone && this.#wanted.get(id) === wanted) this.#forget(id);
    return { restMs: result === 'written' ? this.#restAfterWrite(id) : 0, again: false };
  }

  /** An object that has been left alone for as long as it last rested begins anew. */
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
    this.#wanted.delete(id);
    this.#written.delete(id);
    this.#rests.delete(id);
  }

  /** Brings the object to the wanted status. Rejects on a lost connection. */
  async #bring(id: string, wanted: Wanted): Promise<WriteResult> {
    let live: LiveStatus | null = this.#liveOf(id, wanted.ref);
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      // An object that another took the place of is told apart by its uid; compile will say what the new one needs.
      if (live === null || isOther(live, wanted.status)) return 'gone';
      const patch = this.#patchFor(live, wanted);
      if (patch === null) return 'equal';
      const result = await this.#patch(id, live, patch);
      if (result !== 'conflict') return result;
      live = await this.#read(wanted.ref);
    }
    return 'conflict';
  }

  #liveOf(id: string, ref: ObjectRef): LiveStatus | null {
    const known = this.#options.live.get(ref) ?? null;
    const written = this.#written.get(id);
    return written !== undefined && written.basedOn === known?.resourceVersion ? written.live : known;
  }

  #patchFor(live: LiveStatus, { status }: Wanted): StatusPatch | null {
    const now = `${new Date().toISOString().slice(0, 19)}Z`;
    const options = { controllerName: this.#options.controllerName, now };
    const current = JSON.parse(live.status) as unknown;
    if (status !== null) return mergeStatus(current, status, options);
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
    const basedOn = this.#options.live.get(before.ref)?.resourceVersion;
    const live = liveStatusOf(before.ref, object);
    // The watch may have been faster than the answer.
    if (basedOn !== undefined && basedOn !== live.resourceVersion) this.#written.set(id, { basedOn, live });
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

/** The rule of a ClusterRole that a refused request lacks; `part` is '/status' or ''. */
function ruleFor(ref: ObjectRef, part: '' | '/status', verb: string): object {
  const { apiVersion, plural } = KINDS[ref.kind as KindName];
  return { apiGroups: [groupOf(apiVersion)], resources: [`${plural}${part}`], verbs: [verb] };
}

/** Where the status of a kind has entries of several controllers. */
function entriesOf(kind: string): 'parents' | 'ancestors' | null {
  if (ROUTE_KINDS.has(kind)) return 'parents';
  return POLICY_KINDS.has(kind) ? 'ancestors' : null;
}

function isOther(live: LiveStatus, status: DesiredStatus | null): boolean {
  const uid = status?.uid ?? '';
  return uid !== '' && uid !== live.uid;
}
