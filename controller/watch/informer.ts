// The informer of one kind: lists and watches it, retries after every error, and reports the latest version of each changed object.
//
//   list (paged) ──> watch ──stream ended, hung up, silent──> watch again from the last version seen
//     ^                └──410, ERROR event, a line too long──┐
//     └────────────────── after a backoff ───────────────────┘
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import { ApiError, parseBody } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { collectionPath } from './api-paths.ts';
import { metadataOf } from './kinds.ts';
import type { RawObject } from './kinds.ts';
import type { KindInfo } from '#api/k8s/kinds.ts';
import type { PlacedKind } from './places.ts';
import { LineSplitter } from './lines.ts';

/** The kind to watch. */
export interface InformedKind {
  readonly api: Pick<KindInfo, 'apiVersion' | 'plural'> & PlacedKind;
  /** '' or absent means all namespaces. */
  readonly namespace?: string;
  /** Both filter at the server; '' means all objects. */
  readonly fieldSelector: string;
  readonly labelSelector?: string;
  /** Requests metadata only, to save memory for large objects. */
  readonly metadataOnly?: boolean;
  /** Equal for two versions of an object that the listener need not distinguish. */
  fingerprint(object: RawObject): string;
}

/** A change of one object, before projection. */
export interface RawChange {
  readonly type: 'upsert' | 'delete';
  readonly namespace: string;
  readonly name: string;
  /** Null for a deletion that a list revealed. */
  readonly object: RawObject | null;
  /** False if only fields that compile does not read have changed: the status, annotations. */
  readonly relevant: boolean;
}

/** Why the watch of a kind fails. */
export type InformerProblem =
  | { readonly type: 'absent' }
  /** `namespace` is present if the controller watches single namespaces. */
  | { readonly type: 'forbidden'; readonly verb: 'list' | 'watch' | 'get'; readonly namespace?: string }
  | { readonly type: 'failing'; readonly reason: string };

/** Receives the reports of an informer. */
export interface InformerListener {
  /** Changes that arrived together. */
  changed(changes: readonly RawChange[]): void;
  /** Called once, after all existing objects are reported, or if the API server does not know the kind. */
  synced(): void;
  problem(problem: InformerProblem | null): void;
  /** A list or watch has started, for metrics. */
  began(what: 'list' | 'watch'): void;
}

/** Times of an informer, milliseconds. */
export interface InformerTimes {
  readonly backoff: BackoffOptions;
  /** A stream without event or bookmark for this time is dead. API servers send a bookmark about every minute. */
  readonly stale: number;
  /** Requested duration of a watch: random, between one and two times this. */
  readonly watch: number;
  /**
   * How long a kind must be unknown to the server before its objects count as deleted; by default a minute. The deletion of a CRD deletes
   * its objects first, and the watch reports these. A server that does not know the kind for a while must not end traffic.
   */
  readonly absent?: number;
}

export const INFORMER_TIMES: InformerTimes = { backoff: { minimum: 200, maximum: 30_000 }, stale: 150_000, watch: 300_000 };

const ABSENT_MS = 60_000;
/** Maximum pause between attempts without a right: no event reports that the right is back. */
const FORBIDDEN_MS = 5_000;
const PAGE_SIZE = 500;
/** A watch that stays open for this time counts as working, even without events. */
const SOUND_MS = 2_000;
/** Number of equal refusals that count as real: a starting API server may lack custom kinds or rights for a moment. */
const CERTAIN_AFTER = 3;
/** Number of failures in a row that are reported; a single lost connection is normal. */
const FAILING_AFTER = 3;

/** The server no longer knows the version from which to watch. */
class Expired extends Error {}

/** The content of a line of a watch. */
interface WatchEvent {
  readonly type?: unknown;
  readonly object?: RawObject;
}

export class Informer {
  readonly #kind: InformedKind;
  readonly #client: ApiClient;
  readonly #listener: InformerListener;
  readonly #times: InformerTimes;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  /** Ends the pause before the next attempt. */
  #wake = new AbortController();
  /** The fingerprint of every existing object, by `namespace/name`. */
  readonly #known = new Map<string, string>();
  /** The version from which to watch; null if a list is due. */
  #version: string | null = null;
  #synced = false;
  #failures = 0;
  /** The last status code of a refusal, and how often in a row the server has answered it. */
  #refusals = { status: 0, count: 0 };
  /** Since when the server does not know the kind; Infinity while it does. */
  #absentSince = Infinity;
  #problem = '';
  /** The verb in use, and the verb that failed: a successful list does not solve a problem of watches. */
  #verb: 'list' | 'watch' = 'list';
  #problemOf: 'list' | 'watch' = 'list';
  #running: Promise<void> = Promise.resolve();

  constructor(kind: InformedKind, client: ApiClient, listener: InformerListener, times: InformerTimes = INFORMER_TIMES) {
    this.#kind = kind;
    this.#client = client;
    this.#listener = listener;
    this.#times = times;
    this.#backoff = new Backoff(times.backoff);
  }

  /** Number of known objects. */
  get size(): number {
    return this.#known.size;
  }

  /** The last reported fingerprint of an object; undefined if there is none. */
  fingerprintOf(namespace: string, name: string): string | undefined {
    return this.#known.get(`${namespace}/${name}`);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Tries again now, and with short pauses: the cause of a failure may be gone. */
  retry(): void {
    this.#backoff.reset();
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /** Resolves when no request is open. No reports follow. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#listAndWatch();
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  async #listAndWatch(): Promise<void> {
    this.#verb = 'list';
    if (this.#version === null) this.#version = await this.#list();
    this.#verb = 'watch';
    const began = performance.now();
    await this.#watch(this.#version);
    // Limits the rate of requests to a server that ends every watch at once.
    if (performance.now() - began < this.#times.backoff.minimum) await this.#wait(this.#backoff.next());
  }

  async #wait(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return;
    if (error instanceof Expired) this.#version = null;
    else this.#count(error);
    const isForbidden = error instanceof ApiError && error.status === 403;
    await this.#wait(Math.min(this.#backoff.next(), isForbidden ? FORBIDDEN_MS : Infinity));
  }

  #count(error: unknown): void {
    this.#failures++;
    const status = error instanceof ApiError ? error.status : 0;
    this.#refusals = { status, count: status === this.#refusals.status ? this.#refusals.count + 1 : 1 };
    // A server that refuses to watch from this version (after a restore from a backup, for example) may still list.
    if (status !== 0 && this.#failures >= FAILING_AFTER) this.#version = null;
    if (status === 404) this.#notFound();
    else if (status === 403) this.#forbidden();
    else if (this.#failures >= FAILING_AFTER) this.#tell({ type: 'failing', reason: reasonOf(error) });
  }

  #forbidden(): void {
    const { namespace = '' } = this.#kind;
    const place = namespace === '' ? {} : { namespace };
    if (this.#refusals.count >= CERTAIN_AFTER) this.#tell({ type: 'forbidden', verb: this.#verb, ...place });
  }

  #notFound(): void {
    this.#version = null;
    this.#absentSince = Math.min(this.#absentSince, performance.now());
    if (this.#refusals.count < CERTAIN_AFTER) return;
    this.#tell({ type: 'absent' });
    if (performance.now() - this.#absentSince >= (this.#times.absent ?? ABSENT_MS)) this.#forgetUnseen(new Set());
    this.#markSynced();
  }

  #works(): void {
    this.#failures = 0;
    this.#refusals = { status: 0, count: 0 };
    this.#absentSince = Infinity;
    if (this.#verb === this.#problemOf || this.#verb === 'watch') this.#tell(null);
  }

  #tell(problem: InformerProblem | null): void {
    const text = problem === null ? '' : JSON.stringify(problem);
    if (text === this.#problem) return;
    this.#problem = text;
    this.#problemOf = this.#verb;
    this.#listener.problem(problem);
  }

  #markSynced(): void {
    if (this.#synced) return;
    this.#synced = true;
    this.#listener.synced();
  }

  // --- list

  async #list(): Promise<string> {
    this.#listener.began('list');
    const seen = new Set<string>();
    let token = '';
    for (;;) {
      const page = await this.#page(token);
      this.#emit(page.items.map((object) => this.#upsert(object, seen)));
      token = page.next;
      if (token !== '') continue;
      this.#forgetUnseen(seen);
      this.#works();
      this.#markSynced();
      return page.version;
    }
  }

  async #page(token: string): Promise<{ items: readonly RawObject[]; next: string; version: string }> {
    const query = this.#query({ limit: String(PAGE_SIZE), ...(token === '' ? {} : { continue: token }) });
    const { status, body } = await this.#client.call({
      method: 'GET',
      path: query,
      signal: this.#stop.signal,
      ...this.#accept('PartialObjectMetadataList'),
    });
    if (status === 410) throw new Expired();
    if (status !== 200) throw new ApiError(status, body);
    const { items, metadata } = body as { items?: RawObject[] | null; metadata?: { continue?: string; resourceVersion?: string } };
    if (typeof metadata?.resourceVersion !== 'string') throw new Error('a list without metadata.resourceVersion');
    // Items of a list of a built-in kind have neither kind nor apiVersion.
    const { apiVersion, kind } = this.#kind.api;
    return {
      items: (items ?? []).map((item) => ({ ...item, apiVersion, kind })),
      next: metadata.continue ?? '',
      version: metadata.resourceVersion,
    };
  }

  #query(parameters: Readonly<Record<string, string>>): string {
    const { api, namespace, fieldSelector, labelSelector = '' } = this.#kind;
    const selectors = { ...(fieldSelector === '' ? {} : { fieldSelector }), ...(labelSelector === '' ? {} : { labelSelector }) };
    return `${collectionPath(api, namespace)}?${new URLSearchParams({ ...parameters, ...selectors }).toString()}`;
  }

  #accept(kind: string): { readonly accept?: string } {
    return this.#kind.metadataOnly === true ? { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` } : {};
  }

  /** Reports known objects that are not in the list as deleted. */
  #forgetUnseen(seen: ReadonlySet<string>): void {
    const gone = [...this.#known.keys()].filter((key) => !seen.has(key));
    for (const key of gone) this.#known.delete(key);
    this.#emit(gone.map((key) => ({ type: 'delete', ...splitKey(key), object: null, relevant: true })));
  }

  // --- watch

  async #watch(version: string): Promise<void> {
    const timeout = Math.round((this.#times.watch * (1 + Math.random())) / 1_000);
    const path = this.#query({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: version, timeoutSeconds: String(timeout) });
    const hangUp = new AbortController();
    const signal = AbortSignal.any([hangUp.signal, this.#stop.signal]);
    this.#listener.began('watch');
    const stale = setTimeout(() => hangUp.abort(new Error('the watch has been silent for too long')), this.#times.stale);
    try {
      const { status, chunks } = await this.#client.stream(path, signal, this.#accept('PartialObjectMetadata'));
      if (status === 410) throw new Expired();
      if (status !== 200) throw new ApiError(status, parseBody(await collect(chunks)));
      this.#works();
      await this.#follow(chunks, stale);
    } finally {
      clearTimeout(stale);
      hangUp.abort();
    }
  }

  async #follow(chunks: AsyncIterable<Buffer>, stale: NodeJS.Timeout): Promise<void> {
    const lines = new LineSplitter();
    const sound = setTimeout(() => this.#backoff.reset(), SOUND_MS);
    try {
      for await (const chunk of chunks) {
        const complete = splitOrExpire(lines, chunk);
        if (complete.length === 0) continue;
        stale.refresh();
        this.#take(complete);
      }
    } finally {
      clearTimeout(sound);
    }
  }

  /** Reports all lines of one chunk in one call, since they may belong together. */
  #take(lines: readonly string[]): void {
    const changes: RawChange[] = [];
    try {
      for (const line of lines) {
        const change = this.#event(parseJson(line) as WatchEvent);
        if (change !== null) changes.push(change);
      }
      this.#backoff.reset();
    } finally {
      this.#emit(changes);
    }
  }

  #event({ type, object }: WatchEvent): RawChange | null {
    if (typeof object !== 'object' || object === null) throw new Error('an event of the watch without object');
    const version = metadataOf(object)['resourceVersion'];
    if (type === 'ERROR' || typeof version !== 'string') throw new Expired();
    this.#version = version;
    if (type === 'BOOKMARK') return null;
    if (type === 'DELETED') return this.#delete(object);
    return this.#upsert(object, null);
  }

  #upsert(object: RawObject, seen: Set<string> | null): RawChange {
    const key = keyOf(object);
    const before = this.#known.get(key);
    const fingerprint = this.#kind.fingerprint(object);
    seen?.add(key);
    this.#known.set(key, fingerprint);
    return { type: 'upsert', ...splitKey(key), object, relevant: before !== fingerprint };
  }

  #delete(object: RawObject): RawChange {
    const key = keyOf(object);
    this.#known.delete(key);
    return { type: 'delete', ...splitKey(key), object, relevant: true };
  }

  #emit(changes: readonly RawChange[]): void {
    if (changes.length > 0 && !this.#stop.signal.aborted) this.#listener.changed(changes);
  }
}

/** A line that is too long cannot be skipped, so a list replaces it. */
function splitOrExpire(lines: LineSplitter, chunk: Buffer): string[] {
  try {
    return lines.push(chunk);
  } catch {
    throw new Expired();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`not JSON: ${text.slice(0, 80)}`);
  }
}

/** The body of a refusal, which is short. */
async function collect(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk.toString('utf8');
    if (text.length > 65_536) break;
  }
  return text;
}

function keyOf(object: RawObject): string {
  const { namespace, name } = metadataOf(object);
  return `${typeof namespace === 'string' ? namespace : ''}/${String(name)}`;
}

function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The message of an error, with that of its cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
