// The informers of one kind: one for the cluster, or one for each watched namespace. They report like a single informer.
import type { ApiClient } from './api-client.ts';
import { Informer, INFORMER_TIMES } from './informer.ts';
import type { InformedKind, InformerListener, InformerProblem, InformerTimes } from './informer.ts';
import { placesOf } from './places.ts';

export class Informers {
  readonly #informers: readonly Informer[];
  readonly #listener: InformerListener;
  /** By informer. */
  readonly #problems: (InformerProblem | null)[];
  #unsynced: number;
  #told: InformerProblem | null = null;

  /** Without namespaces the whole cluster is watched. While informers have problems, the listener gets the first one. */
  constructor(
    kind: InformedKind,
    namespaces: readonly string[],
    client: ApiClient,
    listener: InformerListener,
    times: InformerTimes = INFORMER_TIMES,
  ) {
    const places = placesOf(kind.api, namespaces);
    this.#listener = listener;
    this.#problems = places.map(() => null);
    this.#unsynced = places.length;
    this.#informers = places.map(({ namespace, fieldSelector }, i) => {
      const selected = { ...kind, namespace, fieldSelector: fieldSelector === '' ? kind.fieldSelector : fieldSelector };
      return new Informer(selected, client, this.#listenerOf(i), times);
    });
  }

  /** Number of known objects. */
  get size(): number {
    return this.#informers.reduce((sum, informer) => sum + informer.size, 0);
  }

  /** The last reported fingerprint of an object; undefined if there is none. */
  fingerprintOf(namespace: string, name: string): string | undefined {
    for (const informer of this.#informers) {
      const fingerprint = informer.fingerprintOf(namespace, name);
      if (fingerprint !== undefined) return fingerprint;
    }
    return undefined;
  }

  start(): void {
    for (const informer of this.#informers) informer.start();
  }

  /** Same as Informer.retry. */
  retry(): void {
    for (const informer of this.#informers) informer.retry();
  }

  /** Resolves when no request is open. */
  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  #listenerOf(index: number): InformerListener {
    const { changed, began } = this.#listener;
    return {
      changed,
      began,
      synced: () => this.#synced(),
      problem: (problem) => this.#problem(index, problem),
    };
  }

  #synced(): void {
    this.#unsynced -= 1;
    if (this.#unsynced === 0) this.#listener.synced();
  }

  #problem(index: number, problem: InformerProblem | null): void {
    this.#problems[index] = problem;
    const first = this.#problems.find((each) => each !== null) ?? null;
    if (first === this.#told) return;
    this.#told = first;
    this.#listener.problem(first);
  }
}
