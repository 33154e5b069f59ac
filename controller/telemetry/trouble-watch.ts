// Tells the beginning and the end of troubles of backends, once for all proxies, if this controller leads. It looks at what proxies have
// reported at an interval, so that many reports become one news, and the rate of news is bounded.
import { setTimeout as delay } from 'node:timers/promises';
import type { EncodedResource } from '#api/ir/ir.ts';
import type { Guard } from '#lib/faults.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import { troublesOf } from './backend-troubles.ts';
import type { BackendTrouble, Trouble } from './backend-troubles.ts';
import type { Fleet } from './fleet.ts';
import { beginningOf, endOf } from './trouble-news.ts';
import type { TroubleNews } from './trouble-news.ts';

export interface TroubleWatchOptions {
  readonly fleet: Pick<Fleet, 'states'>;
  /** All compiled resources. */
  readonly resources: () => Iterable<EncodedResource>;
  readonly tell: (news: TroubleNews) => void;
  /** Whether this controller leads. */
  readonly leads: () => boolean;
  readonly guard: Guard;
  /** The time between two looks, milliseconds. */
  readonly intervalMs?: number;
  readonly rate?: { readonly burst: number; readonly perSecond: number };
}

/** Proxies report as often. */
const INTERVAL_MS = 5_000;
/** Fewer than Events in total may come, so that others have room. What has no room is told later if it is still true. */
const RATE = { burst: 10, perSecond: 1 / 30 };
/** A trouble has ended when this many looks in a row do not find it: a proxy may change its controller meanwhile. */
const LOOKS_TO_END = 3;

/** A trouble that was told. */
interface Told {
  readonly backend: string;
  readonly trouble: Trouble;
  readonly endpoints: Set<string>;
  /** Looks in a row that did not find it. */
  missed: number;
}

export class TroubleWatch {
  readonly #options: TroubleWatchOptions;
  readonly #rate: TokenBucket;
  readonly #told = new Map<string, Told>();
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;

  constructor(options: TroubleWatchOptions) {
    this.#options = options;
    this.#rate = new TokenBucket(options.rate ?? RATE);
  }

  /** Begins to look. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when no look is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { intervalMs = INTERVAL_MS } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      await delay(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await this.look();
    }
  }

  /** Looks once. Never rejects. */
  async look(): Promise<void> {
    const { fleet, resources, leads, guard } = this.#options;
    // The next leader tells all troubles that there are then.
    if (!leads()) return this.#told.clear();
    const { states, complete } = await fleet.states();
    if (leads() && !this.#stop.signal.aborted) guard.guard('events', () => this.#compare(troublesOf(states, resources()), complete));
  }

  #compare(troubles: readonly BackendTrouble[], complete: boolean): void {
    const found = new Map(troubles.map((each) => [`${each.trouble} ${each.backend}`, each]));
    for (const [id, trouble] of found) this.#begun(id, trouble);
    // The proxies of a replica that does not answer may still see what is not found.
    if (!complete) return;
    for (const [id, told] of this.#told) if (!found.has(id)) this.#missed(id, told);
  }

  /** Tells a trouble that is new, or that has more endpoints than were told. */
  #begun(id: string, found: BackendTrouble): void {
    const told = this.#told.get(id);
    if (told !== undefined) told.missed = 0;
    if (told !== undefined && [...found.endpoints].every((name) => told.endpoints.has(name))) return;
    if (this.#rate.take() > 0) return;
    const { backend, trouble } = found;
    this.#told.set(id, { backend, trouble, endpoints: new Set(found.endpoints), missed: 0 });
    this.#options.tell(beginningOf(found));
  }

  #missed(id: string, told: Told): void {
    const { backend, trouble } = told;
    if (!this.#exists(backend)) return void this.#told.delete(id);
    if (++told.missed < LOOKS_TO_END || this.#rate.take() > 0) return;
    this.#told.delete(id);
    this.#options.tell(endOf(backend, trouble));
  }

  #exists(backend: string): boolean {
    for (const { kind, key } of this.#options.resources()) if (kind === 'Endpoints' && key === backend) return true;
    return false;
  }
}
