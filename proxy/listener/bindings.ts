// The sockets of one port by address: opens the required ones, closes the others, and retries failed ones.
//
//   required ──opened──> bound ──not required any more──> closed
//     │ ^
//     v └──after a backoff, or with the next change──┐
//   failed ──────────────────────────────────────────┘
import { Backoff } from '#lib/backoff.ts';
import type { Result } from '#lib/result.ts';
import { Timer } from '#lib/timer-wheel.ts';
import type { Timers } from './port-context.ts';

/** The waits between two attempts, milliseconds: the port may become free at any time, and an attempt is cheap. */
const RETRY = { minimum: 100, maximum: 5_000 };

export interface BindingOptions<S> {
  readonly wheel: Timers;
  /** Opens a socket; resolves to the error if that fails. */
  readonly open: (address: string) => Promise<Result<S, NodeJS.ErrnoException>>;
  readonly close: (socket: S) => void;
  /** The set of addresses that cannot be bound has changed. */
  readonly changed: () => void;
}

export class Bindings<S> {
  readonly #options: BindingOptions<S>;
  readonly #bound = new Map<string, S>();
  readonly #failed = new Map<string, NodeJS.ErrnoException>();
  readonly #attempts = new Map<string, Promise<void>>();
  readonly #backoff = new Backoff(RETRY);
  readonly #retry: Timer;
  #wanted: ReadonlySet<string> = new Set();

  constructor(options: BindingOptions<S>) {
    this.#options = options;
    this.#retry = new Timer(() => void this.#openMissing());
  }

  /** The open sockets. */
  get sockets(): Iterable<S> {
    return this.#bound.values();
  }

  get size(): number {
    return this.#bound.size;
  }

  /** The reasons why required addresses are not bound. */
  get failures(): ReadonlyMap<string, NodeJS.ErrnoException> {
    return this.#failed;
  }

  /** Binds exactly these addresses from now on. Resolves once each is bound or has failed; failed ones are retried. */
  async want(addresses: ReadonlySet<string>): Promise<void> {
    this.#wanted = addresses;
    // Closes first: a socket on one address prevents binding all addresses.
    for (const [address, socket] of this.#bound) if (!addresses.has(address)) this.#close(address, socket);
    const given = [...this.#failed.keys()].filter((address) => !addresses.has(address));
    for (const address of given) this.#failed.delete(address);
    if (given.length > 0) this.#options.changed();
    await this.#openMissing();
  }

  #close(address: string, socket: S): void {
    this.#bound.delete(address);
    this.#options.close(socket);
  }

  async #openMissing(): Promise<void> {
    const missing = [...this.#wanted].filter((address) => !this.#bound.has(address));
    await Promise.all(missing.map((address) => this.#attempt(address)));
    if (this.#failed.size > 0) this.#options.wheel.arm(this.#retry, this.#backoff.next());
    else {
      this.#options.wheel.disarm(this.#retry);
      this.#backoff.reset();
    }
  }

  #attempt(address: string): Promise<void> {
    let attempt = this.#attempts.get(address);
    if (attempt === undefined) {
      attempt = this.#open(address).finally(() => this.#attempts.delete(address));
      this.#attempts.set(address, attempt);
    }
    return attempt;
  }

  async #open(address: string): Promise<void> {
    const opened = await this.#options.open(address);
    const before = this.#failed.get(address);
    if (!opened.ok) {
      if (this.#wanted.has(address)) this.#failed.set(address, opened.error);
    } else if (this.#wanted.has(address)) {
      this.#failed.delete(address);
      this.#bound.set(address, opened.value);
    } else this.#options.close(opened.value);
    if (before?.code !== this.#failed.get(address)?.code) this.#options.changed();
  }
}
