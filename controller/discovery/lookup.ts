// One question to a source of endpoints, from the first attempt to its end: attempts with growing pauses, the last answer, the trouble.
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Endpoint } from '#api/ir/ir.ts';
import { compareText } from '#lib/compare-text.ts';
import type { FoundEndpoints, SecretContents, SourceTrouble, WantedEndpoints } from '../watch/found.ts';
import type { EndpointSource } from './source.ts';

/** The parts that a question needs. */
export interface LookupOptions {
  readonly owner: string;
  readonly backoff: BackoffOptions;
  /** Called after every report that changes the answer or the trouble. */
  readonly changed: (found: FoundEndpoints) => void;
  /** Called with every trouble, also one that repeats. */
  readonly troubled: (source: string, reason: string) => void;
  /** Called with bugs of a source. */
  readonly failed: (error: unknown) => void;
}

/** The state of a question, for dumps and metrics. */
export interface LookupState {
  readonly owner: string;
  readonly source: string;
  readonly endpoints: readonly Endpoint[] | null;
  readonly trouble: SourceTrouble | null;
  /** When the source answered last; null before the first answer. Milliseconds since the epoch. */
  readonly answeredAt: number | null;
  /** How often the source has failed since its last answer. */
  readonly failures: number;
}

const BUG: SourceTrouble = { reason: 'Bug', message: 'a bug in Weir ends the lookup; see the log of the controller' };

/** The same answer in the same order, so that an equal answer changes nothing. */
function sorted(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return [...endpoints].sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
}

export class ActiveLookup {
  readonly #options: LookupOptions;
  readonly #backoff: Backoff;
  #source = '';
  #asked: Pick<WantedEndpoints, 'source' | 'settings' | 'secrets'> | null = null;
  #attempt = new AbortController();
  #found: FoundEndpoints = { endpoints: null, trouble: null };
  /** The last answer, if it is one to the current question; other Secrets make no other question. */
  #last: readonly Endpoint[] | null = null;
  #answeredAt: number | null = null;
  #failures = 0;
  readonly #running = new Set<Promise<void>>();

  constructor(options: LookupOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
  }

  /** Whether the source has answered or failed since the start. */
  get hasReported(): boolean {
    return this.#found.endpoints !== null || this.#found.trouble !== null;
  }

  get state(): LookupState {
    const { owner } = this.#options;
    return { owner, source: this.#source, ...this.#found, answeredAt: this.#answeredAt, failures: this.#failures };
  }

  /** Asks a question, unless it is the current one. The answer to the former one stays in use until there is another. */
  ask(source: EndpointSource, { settings, secrets }: WantedEndpoints): void {
    this.#source = source.name;
    // Without its Secrets a question cannot be asked anew; a running one goes on.
    if (secrets === null) return;
    const asked = { source: source.name, settings, secrets };
    if (isDeepStrictEqual(asked, this.#asked)) return;
    if (!isDeepStrictEqual([asked.source, settings], [this.#asked?.source, this.#asked?.settings])) this.#last = null;
    this.#asked = asked;
    this.#attempt.abort();
    this.#attempt = new AbortController();
    this.#backoff.reset();
    const run = this.#run(source, settings, secrets, this.#attempt.signal).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Ends the question; resolves once the source has returned. */
  async stop(): Promise<void> {
    this.#attempt.abort();
    await Promise.all(this.#running);
  }

  async #run(source: EndpointSource, settings: unknown, secrets: SecretContents, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const trouble = await this.#attemptOnce(source, settings, secrets, signal);
      if (signal.aborted) return;
      if (trouble !== null) this.#troubled(trouble);
      await delay(this.#backoff.next(), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #attemptOnce(
    source: EndpointSource,
    settings: unknown,
    secrets: SecretContents,
    signal: AbortSignal,
  ): Promise<SourceTrouble | null> {
    const whileAsked = (report: () => void): void => {
      if (!signal.aborted) report();
    };
    try {
      return await source.follow({
        owner: this.#options.owner,
        settings,
        secrets,
        signal,
        last: this.#last,
        found: (endpoints, trouble = null) => whileAsked(() => this.#answered(endpoints, trouble)),
        troubled: (trouble) => whileAsked(() => this.#troubled(trouble)),
      });
    } catch (error) {
      if (!signal.aborted) this.#options.failed(error);
      return BUG;
    }
  }

  #answered(endpoints: readonly Endpoint[], trouble: SourceTrouble | null): void {
    this.#backoff.reset();
    this.#failures = 0;
    this.#answeredAt = Date.now();
    this.#last = endpoints;
    if (trouble !== null) this.#options.troubled(this.#source, trouble.reason);
    this.#tell({ endpoints: sorted(endpoints), trouble });
  }

  #troubled(trouble: SourceTrouble): void {
    this.#failures++;
    this.#options.troubled(this.#source, trouble.reason);
    this.#tell({ endpoints: this.#found.endpoints, trouble });
  }

  #tell(found: FoundEndpoints): void {
    if (isDeepStrictEqual(found, this.#found)) return;
    this.#found = found;
    this.#options.changed(found);
  }
}
