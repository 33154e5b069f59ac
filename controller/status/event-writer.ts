// Writes Kubernetes Events (events.k8s.io/v1) if this controller leads. Equal reports become one Event with a count. The rate is bounded,
// whatever proxies report. Events that the API server refuses for now wait in a bounded queue: rights may come back.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import { contentHash } from '#lib/hash.ts';
import type { Log } from '#lib/log.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { messageOf } from '../watch/api-client.ts';
import type { ApiCall, ApiClient, ApiReply } from '../watch/api-client.ts';

/** A report about an object. */
export interface EventReport {
  readonly ref: ObjectRef;
  /** Reports with the same identity share one Event. */
  readonly identity: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  /** One sentence; cut at the length limit of an Event. */
  readonly note: string;
}

export interface EventWriterOptions {
  readonly client: ApiClient;
  /** The uid of an object; '' if it is not known. */
  readonly uidOf: (ref: ObjectRef) => string;
  readonly controllerName: string;
  /** The name of this controller among its replicas. */
  readonly instance: string;
  readonly leads: () => boolean;
  readonly log: Log;
  readonly rate?: { readonly burst: number; readonly perSecond: number };
  /** The pause between two attempts to write an Event. */
  readonly backoff?: BackoffOptions;
}

/** An Event that is written, or being written. */
interface KnownEvent {
  readonly path: string;
  readonly count: number;
  readonly at: number;
}

/** A report to be written, and its time, on the wall clock and on the monotonic clock. */
interface Waiting {
  readonly report: EventReport;
  readonly time: string;
  readonly at: number;
}

/** The same limits as client-go has per source. */
const RATE = { burst: 25, perSecond: 1 / 12 };
const BACKOFF: BackoffOptions = { minimum: 500, maximum: 30_000 };
/** Minimum interval between two counts of one Event. */
const REPEAT_MS = 60_000;
const MAX_KNOWN = 1_000;
/** Maximum number and age of waiting reports; the oldest are dropped. API servers keep an Event for an hour. */
const MAX_WAITING = 100;
const MAX_AGE_MS = 3_600_000;
/** Limit of events.k8s.io/v1. */
const MAX_NOTE = 1_024;
/** Status codes that may pass: missing credentials or rights, overload. Any other 4xx means that the Event itself is invalid. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 429]);

/** The API server refuses an Event. */
class Refused extends Error {
  readonly verb: 'create' | 'patch';
  readonly status: number;
  /** Whether a later attempt may succeed. */
  readonly isPassing: boolean;

  constructor(verb: 'create' | 'patch', { status, body }: ApiReply) {
    super(messageOf(body) ?? `the API server answered ${status}`);
    this.verb = verb;
    this.status = status;
    // A terminating namespace takes no new objects and answers 403.
    this.isPassing = status >= 500 || (PASSING.has(status) && !JSON.stringify(body).includes('NamespaceTerminating'));
  }
}

export class EventWriter {
  readonly #options: EventWriterOptions;
  readonly #rate: TokenBucket;
  readonly #backoff: Backoff;
  readonly #known = new Map<string, KnownEvent>();
  /** By identity, oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #stop = new AbortController();
  #writing: Promise<void> | null = null;
  /** The last logged failure; '' while writes succeed. */
  #trouble = '';

  constructor(options: EventWriterOptions) {
    this.#options = options;
    this.#rate = new TokenBucket(options.rate ?? RATE);
    this.#backoff = new Backoff(options.backoff ?? BACKOFF);
  }

  /** Reports an Event. Never rejects: a failed write is logged, and repeated if the failure may pass. */
  report(report: EventReport): void {
    if (!this.#options.leads() || this.#isFresh(report.identity) || this.#rate.take() > 0) return;
    this.#waiting.set(report.identity, { report, time: microTime(), at: performance.now() });
    const oldest = this.#waiting.keys().next().value;
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
  }

  /** Resolves when no request is running. Unwritten reports are dropped. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#writing;
  }

  #isFresh(identity: string): boolean {
    const known = this.#known.get(identity);
    if (known !== undefined && performance.now() - known.at < REPEAT_MS) return true;
    // Set before the answer arrives: a second proxy may refuse the same resource meanwhile.
    this.#remember(identity, { path: known?.path ?? '', count: known?.count ?? 0, at: performance.now() });
    return false;
  }

  #remember(identity: string, event: KnownEvent): void {
    this.#known.delete(identity);
    this.#known.set(identity, event);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const next = this.#waiting.values().next().value;
      if (next === undefined) return;
      if (this.#options.leads()) await this.#try(next);
      // The new leader reports these itself.
      else this.#waiting.clear();
    }
  }

  async #try(waiting: Waiting): Promise<void> {
    const { identity, ref } = waiting.report;
    try {
      await this.#write(waiting);
      this.#works();
      this.#done(identity, waiting);
    } catch (error) {
      this.#say(ref, error as Error);
      this.#done(identity, waiting);
      const isLasting = error instanceof Refused && !error.isPassing;
      if (isLasting || this.#stop.signal.aborted || performance.now() - waiting.at > MAX_AGE_MS) return;
      // Goes behind the others: the failure may concern one namespace only.
      if (!this.#waiting.has(identity)) this.#waiting.set(identity, waiting);
      await delay(this.#backoff.next(), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Drops the report, unless a newer one has replaced it. */
  #done(identity: string, waiting: Waiting): void {
    if (this.#waiting.get(identity) === waiting) this.#waiting.delete(identity);
  }

  #works(): void {
    this.#backoff.reset();
    if (this.#trouble !== '') this.#options.log.info('Events are written again');
    this.#trouble = '';
  }

  /** Logs a failure once, however often the write is repeated. */
  #say(ref: ObjectRef, error: Error): void {
    const lacks = error instanceof Refused && error.status === 403 ? { lackingRule: ruleFor(error.verb) } : {};
    const trouble = `${objectId(ref)} ${error.message}`;
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.log.warn({ object: objectId(ref), reason: error.message, ...lacks }, 'an Event could not be written');
  }

  async #write({ report, time }: Waiting): Promise<void> {
    const known = this.#known.get(report.identity);
    if (known !== undefined && known.count > 0 && (await this.#count(report.identity, known))) return;
    // Events of cluster-scoped objects are in `default`, as in client-go.
    const namespace = report.ref.namespace === '' ? 'default' : report.ref.namespace;
    const collection = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const event = this.#event(report, namespace, time);
    await this.#send('create', { method: 'POST', path: collection, body: event });
    this.#remember(report.identity, { path: `${collection}/${event.metadata.name}`, count: 1, at: performance.now() });
  }

  /** Adds one to the count of an Event. False if the Event is gone: an API server keeps it for an hour. */
  async #count(identity: string, known: KnownEvent): Promise<boolean> {
    const count = known.count + 1;
    const body = { series: { count, lastObservedTime: microTime() } };
    const contentType = 'application/merge-patch+json';
    const status = await this.#send('patch', { method: 'PATCH', path: known.path, body, contentType });
    if (status !== 404) this.#remember(identity, { ...known, count, at: performance.now() });
    return status !== 404;
  }

  /** Resolves to a success status, 404 (count of an expired Event), or 409 (an earlier attempt whose answer was lost has created it). */
  async #send(verb: 'create' | 'patch', call: ApiCall): Promise<number> {
    const reply = await this.#options.client.call(call);
    const isKnown = reply.status === (verb === 'patch' ? 404 : 409);
    if (!isKnown && (reply.status < 200 || reply.status > 299)) throw new Refused(verb, reply);
    return reply.status;
  }

  #event({ ref, type, reason, action, note }: EventReport, namespace: string, time: string) {
    const { controllerName, instance, uidOf } = this.#options;
    const { apiVersion } = KINDS[ref.kind as KindName];
    const uid = uidOf(ref);
    const cut = note.slice(0, MAX_NOTE);
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name: `${ref.name.slice(0, 200)}.${contentHash(`${time} ${cut}`)}` },
      eventTime: time,
      type,
      reason,
      action,
      note: cut,
      reportingController: controllerName,
      reportingInstance: instance.slice(0, 128),
      regarding: { apiVersion, kind: ref.kind, namespace: ref.namespace, name: ref.name, ...(uid === '' ? {} : { uid }) },
    };
  }
}

function ruleFor(verb: 'create' | 'patch'): object {
  return { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: [verb] };
}

/** metav1.MicroTime. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
