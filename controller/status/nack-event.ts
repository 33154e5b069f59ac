// Kubernetes Events (events.k8s.io/v1) about resources that proxies refuse: on the object the resource was made of.
// The same message is one Event that counts; how many are written is bounded, whatever proxies say.
import type { Log } from '#lib/log.ts';
import { contentHash } from '#lib/hash.ts';
import { RateLimit } from '#lib/rate-limit.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { messageOf } from '../watch/api-client.ts';
import type { ApiClient } from '../watch/api-client.ts';
import type { Refusal } from './fleet-state.ts';
import { originOf } from './origin.ts';
import { describeRefusal } from './programmed.ts';

export interface NackEventOptions {
  readonly client: ApiClient;
  /** The uid of an object whose status is watched, '' where it is not known. */
  readonly uidOf: (ref: ObjectRef) => string;
  readonly controllerName: string;
  /** The name of this controller among its replicas. */
  readonly instance: string;
  readonly leads: () => boolean;
  readonly log: Log;
  readonly rate?: { readonly burst: number; readonly perSecond: number };
}

/** An Event that was written. */
interface KnownEvent {
  readonly path: string;
  readonly count: number;
  readonly at: number;
}

/** As client-go bounds Events of one source. */
const RATE = { burst: 25, perSecond: 1 / 12 };
/** The same refusal is counted at most so often. */
const REPEAT_MS = 60_000;
const MAX_KNOWN = 1_000;
/** Limit of events.k8s.io/v1. */
const MAX_NOTE = 1_024;

export class NackEvents {
  readonly #options: NackEventOptions;
  readonly #rate: RateLimit;
  readonly #known = new Map<string, KnownEvent>();
  readonly #pending = new Set<Promise<void>>();

  constructor(options: NackEventOptions) {
    this.#options = options;
    this.#rate = new RateLimit(options.rate ?? RATE);
  }

  /** Tells of a refusal. Never rejects: an Event that cannot be written is logged. */
  report(refusal: Refusal): void {
    const { ref, part } = originOf(refusal.kind, refusal.key);
    const where = part === '' ? '' : `${part}: `;
    // How many proxies refuse it changes from one to the next; that is one Event all the same.
    const identity = `${objectId(ref)} ${part} ${refusal.version}`;
    if (!this.#options.leads() || this.#isFresh(identity) || this.#rate.take() > 0) return;
    const note = `${where}${describeRefusal(refusal)}`.slice(0, MAX_NOTE);
    const writing = this.#write(identity, ref, note).catch((error: unknown) => {
      this.#options.log.warn({ err: error, object: objectId(ref) }, 'an Event could not be written');
    });
    this.#pending.add(writing);
    void writing.finally(() => this.#pending.delete(writing));
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #isFresh(identity: string): boolean {
    const known = this.#known.get(identity);
    if (known !== undefined && performance.now() - known.at < REPEAT_MS) return true;
    // Set before the answer is there: a second proxy may refuse the same meanwhile.
    this.#remember(identity, { path: known?.path ?? '', count: known?.count ?? 0, at: performance.now() });
    return false;
  }

  #remember(identity: string, event: KnownEvent): void {
    this.#known.delete(identity);
    this.#known.set(identity, event);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  async #write(identity: string, ref: ObjectRef, note: string): Promise<void> {
    const known = this.#known.get(identity);
    if (known !== undefined && known.count > 0 && (await this.#count(identity, known))) return;
    // Events of cluster-scoped objects live in `default`, as client-go has it.
    const namespace = ref.namespace === '' ? 'default' : ref.namespace;
    const collection = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const event = this.#event(ref, namespace, note);
    const { status, body } = await this.#options.client.call({ method: 'POST', path: collection, body: event });
    if (status !== 201) throw new Error(`${messageOf(body) ?? String(status)}`);
    this.#remember(identity, { path: `${collection}/${event.metadata.name}`, count: 1, at: performance.now() });
  }

  /** False when the Event is gone: an API server keeps one for an hour. */
  async #count(identity: string, known: KnownEvent): Promise<boolean> {
    const count = known.count + 1;
    const body = { series: { count, lastObservedTime: microTime() } };
    const contentType = 'application/merge-patch+json';
    const reply = await this.#options.client.call({ method: 'PATCH', path: known.path, body, contentType });
    if (reply.status === 404) return false;
    if (reply.status !== 200) throw new Error(messageOf(reply.body) ?? String(reply.status));
    this.#remember(identity, { ...known, count, at: performance.now() });
    return true;
  }

  #event(ref: ObjectRef, namespace: string, note: string) {
    const { controllerName, instance, uidOf } = this.#options;
    const { apiVersion } = KINDS[ref.kind as KindName];
    const uid = uidOf(ref);
    const time = microTime();
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name: `${ref.name.slice(0, 200)}.${contentHash(`${time} ${note}`)}` },
      eventTime: time,
      type: 'Warning',
      reason: 'RefusedByProxy',
      action: 'Program',
      note,
      reportingController: controllerName,
      reportingInstance: instance.slice(0, 128),
      regarding: { apiVersion, kind: ref.kind, namespace: ref.namespace, name: ref.name, ...(uid === '' ? {} : { uid }) },
    };
  }
}

/** metav1.MicroTime. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
