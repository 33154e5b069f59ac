// The source of the keys of sessions: once an object needs them, it keeps and rotates them, and reports them into the pipeline like objects. Any controller rotates;
// no leader is needed. A place that cannot be read delays nothing: the proxies keep the keys that they have.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import { SESSION_KEYS_REF } from '../watch/event.ts';
import type { Source, SourceListener, Wanted } from '../watch/event.ts';
import type { SecretData } from './managed-secret.ts';
import { advanceSessionKeys, keysOf } from './session-key-rotation.ts';
import type { SessionKeyData } from './session-key-rotation.ts';

/** Where the keys are: a Secret, or a file. */
export interface KeptSessionKeys {
  /** Reads the data, and writes the result of `decide` unless it returns its argument. Resolves to the data afterwards. */
  bring(decide: (data: SecretData) => SecretData): Promise<SecretData>;
}

export interface SessionKeySourceOptions {
  readonly kept: KeptSessionKeys;
  /** True: without a usable place the keys are only in memory, and sessions end with the program. For a single proxy. */
  readonly mayForget: boolean;
  readonly log: Log;
}

/** Greatest age of what was read, milliseconds: far less than the announcement of a key. */
const CHECK_MS = 60_000;
/** How long the batch that needs the first keys waits for them, milliseconds. */
const PATIENCE_MS = 1_000;
const RETRY = { minimum: 200, maximum: CHECK_MS };

export class SessionKeySource implements Source {
  readonly #options: SessionKeySourceOptions;
  readonly #stop = new AbortController();
  readonly #backoff = new Backoff(RETRY);
  #forgettable: SessionKeyData = {};
  #trouble = '';
  #running: Promise<void> | null = null;
  #listener: SourceListener | null = null;

  constructor(options: SessionKeySourceOptions) {
    this.#options = options;
  }

  start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    listener.synced();
    return Promise.resolve();
  }

  want({ SessionKeys: isWanted }: Pick<Wanted, 'SessionKeys'>): Promise<void> | null {
    if (!isWanted || this.#running !== null || this.#listener === null) return null;
    const first = this.#check(this.#listener);
    this.#running = this.#run(this.#listener, first);
    return Promise.race([first.then(() => undefined), this.#wait(PATIENCE_MS)]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(listener: SourceListener, first: Promise<boolean>): Promise<void> {
    let succeeded = await first;
    while (!this.#stop.signal.aborted) {
      await this.#wait(succeeded ? CHECK_MS : this.#backoff.next());
      if (!this.#stop.signal.aborted) succeeded = await this.#check(listener);
    }
  }

  async #check(listener: SourceListener): Promise<boolean> {
    const { kept, mayForget, log } = this.#options;
    try {
      this.#report(listener, await kept.bring((data) => advanceSessionKeys(data, Date.now())));
      this.#trouble = '';
      this.#backoff.reset();
      return true;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#trouble) log.warn({ reason: message }, 'cannot read or renew the keys of sessions');
      this.#trouble = message;
      if (mayForget) this.#report(listener, (this.#forgettable = advanceSessionKeys(this.#forgettable, Date.now())));
      return false;
    }
  }

  #report(listener: SourceListener, data: SessionKeyData): void {
    if (!this.#stop.signal.aborted) listener.changed([{ type: 'session keys', ref: SESSION_KEYS_REF, keys: keysOf(data) }]);
  }

  /** Ends early when the source stops. */
  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
  }
}
