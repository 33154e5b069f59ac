// The source of the endpoints that are found outside Kubernetes: asks what compile wants, each question by itself, and reports answers
// into the pipeline like changes of objects. A source that is away delays nothing, and its last answer stays in use.
import { isDeepStrictEqual } from 'node:util';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { foundRef } from '../watch/event.ts';
import type { Source, SourceListener, Wanted } from '../watch/event.ts';
import type { FoundEndpoints, SourceTrouble, WantedEndpoints } from '../watch/found.ts';
import { ActiveLookup } from './lookup.ts';
import type { LookupState } from './lookup.ts';
import type { EndpointSource } from './source.ts';

/** The parts of a discovery. */
export interface DiscoveryOptions {
  readonly sources: readonly EndpointSource[];
  readonly log: Log;
  readonly faults: Faults;
  readonly times?: DiscoveryTimes;
  /** Called when the trouble of an owner begins, changes or ends, for Events. */
  readonly troubled?: (owner: string, trouble: SourceTrouble | null) => void;
}

/** Times in milliseconds. */
export interface DiscoveryTimes {
  readonly backoff: BackoffOptions;
  /** How long a batch waits for the first answers of new questions, so that a new route usually starts with endpoints. */
  readonly patience: number;
}

const TIMES: DiscoveryTimes = { backoff: { minimum: 500, maximum: 30_000 }, patience: 250 };

/** A batch that waits for first answers. */
interface Wait {
  readonly owners: Set<string>;
  readonly timer: NodeJS.Timeout;
  readonly end: () => void;
}

export class Discovery implements Source {
  readonly #options: DiscoveryOptions;
  readonly #times: DiscoveryTimes;
  readonly #sources: ReadonlyMap<string, EndpointSource>;
  /** By owner. */
  readonly #lookups = new Map<string, ActiveLookup>();
  /** By owner: the trouble that was logged last. */
  readonly #troubles = new Map<string, SourceTrouble>();
  /** By source and reason. */
  readonly #failures = new Map<string, { source: string; reason: string; count: number }>();
  /** Lookups whose sources have not returned yet. */
  readonly #ending = new Set<ActiveLookup>();
  #listener: SourceListener | null = null;
  #wait: Wait | null = null;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#sources = new Map(options.sources.map((source) => [source.name, source]));
  }

  start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    listener.synced();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#listener = null;
    this.#wait?.end();
    for (const owner of [...this.#lookups.keys()]) this.#end(owner);
    await Promise.all([...this.#ending].map((lookup) => lookup.stop()));
  }

  want({ FoundEndpoints: wanted }: Pick<Wanted, 'FoundEndpoints'>): Promise<void> | null {
    if (this.#listener === null) return null;
    for (const owner of [...this.#lookups.keys()]) {
      if (wanted.has(owner)) continue;
      this.#end(owner);
      this.#listener.changed([{ type: 'found', ref: foundRef(owner), found: null }]);
    }
    const started = [...wanted.values()].filter((question) => this.#ask(question));
    return started.length === 0 ? null : this.#waitFor(started.map(({ owner }) => owner));
  }

  /** The state of every question, for dumps and metrics. */
  states(): readonly LookupState[] {
    return [...this.#lookups.values()].map(({ state }) => state);
  }

  /** How often lookups have failed since the start, by source and reason. */
  failures(): readonly { readonly source: string; readonly reason: string; readonly count: number }[] {
    return [...this.#failures.values()];
  }

  /** The current troubles by owner. */
  troubles(): ReadonlyMap<string, SourceTrouble> {
    return this.#troubles;
  }

  /** Starts or continues a question. True if it is new and can be answered. */
  #ask(question: WantedEndpoints): boolean {
    const { owner, source, secrets } = question;
    const asked = this.#sources.get(source);
    if (asked === undefined) return false;
    const known = this.#lookups.get(owner);
    const lookup = known ?? this.#make(owner);
    lookup.ask(asked, question);
    return known === undefined && secrets !== null;
  }

  #make(owner: string): ActiveLookup {
    const lookup = new ActiveLookup({
      owner,
      backoff: this.#times.backoff,
      changed: (found) => this.#changed(owner, found),
      troubled: (source, reason) => this.#count(source, reason),
      failed: (error) => this.#options.faults.report('discovery', error, { object: owner }),
    });
    this.#lookups.set(owner, lookup);
    return lookup;
  }

  #count(source: string, reason: string): void {
    const key = `${source} ${reason}`;
    const counted = this.#failures.get(key) ?? { source, reason, count: 0 };
    counted.count++;
    this.#failures.set(key, counted);
  }

  #end(owner: string): void {
    const lookup = this.#lookups.get(owner);
    this.#lookups.delete(owner);
    if (lookup !== undefined) this.#ending.add(lookup);
    void lookup?.stop().then(() => this.#ending.delete(lookup));
    if (this.#troubles.delete(owner)) this.#options.troubled?.(owner, null);
  }

  #changed(owner: string, found: FoundEndpoints): void {
    this.#tell(owner, found.trouble);
    this.#listener?.changed([{ type: 'found', ref: foundRef(owner), found }]);
    if (this.#wait?.owners.delete(owner) === true && this.#wait.owners.size === 0) this.#wait.end();
  }

  /** Logs each cause once. */
  #tell(owner: string, trouble: SourceTrouble | null): void {
    if (isDeepStrictEqual(this.#troubles.get(owner) ?? null, trouble)) return;
    if (trouble === null) this.#troubles.delete(owner);
    else this.#troubles.set(owner, trouble);
    const source = this.#lookups.get(owner)?.state.source;
    if (trouble === null) this.#options.log.info({ object: owner, source }, 'the source of endpoints answers again');
    else
      this.#options.log.warn({ object: owner, source, ...trouble }, 'a source of endpoints does not answer; its last answer stays in use');
    this.#options.troubled?.(owner, trouble);
  }

  #waitFor(owners: readonly string[]): Promise<void> | null {
    const silent = owners.filter((owner) => this.#lookups.get(owner)?.hasReported === false);
    if (silent.length === 0) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      clearTimeout(timer);
      this.#wait = null;
      resolve();
    };
    const timer = setTimeout(end, this.#times.patience);
    this.#wait = { owners: new Set(silent), timer, end };
    return promise;
  }
}
