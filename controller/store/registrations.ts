// Registers endpoints by hand, and tells the followers of a Backend about its endpoints. Changes of other replicas arrive by a query per
// second. While the store is away, changes are refused, and what is known stays in use: nothing ends, since nothing could be renewed.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Store, Transaction } from '#lib/store/store.ts';
import { Turns } from '#lib/store/turns.ts';
import { DEFAULT_REGISTRATION_LIMITS } from './registration.ts';
import type { EndpointAddress, NewRegistration, Registration, RegistrationLimits } from './registration.ts';
import { allOf, expire, has, nextRevision, put, remove, revive, totalsOf } from './registration-table.ts';
import { RegistrationView } from './registration-view.ts';

/** Why a change is refused. `away`: the store cannot be used now. `full`: a limit is reached. */
export interface RegistrationRefusal {
  readonly reason: 'away' | 'full';
  readonly message: string;
}

/** The outcome of an addition. */
export interface Additions {
  /** Endpoints that are new. */
  readonly added: readonly EndpointAddress[];
  /** Endpoints that were registered already, and have the new values and times now. */
  readonly renewed: readonly EndpointAddress[];
}

/** The outcome of a removal. */
export interface Removals {
  readonly removed: readonly EndpointAddress[];
  /** Endpoints that were not registered. */
  readonly absent: readonly EndpointAddress[];
}

/** Registered endpoints. `trouble`: why they may be out of date; null if they are not. */
export interface RegistrationList {
  readonly registrations: readonly Registration[];
  readonly trouble: string | null;
}

/** Gets the endpoints of one Backend. */
export interface Follower {
  found(registrations: readonly Registration[]): void;
  /** The store is away; the last endpoints stay in use. */
  troubled(message: string): void;
}

export interface RegistrationsOptions {
  readonly store: Store;
  readonly limits?: RegistrationLimits;
  readonly times?: RegistrationTimes;
  /** Called with bugs. */
  readonly failed: (error: unknown) => void;
}

/** Milliseconds. */
export interface RegistrationTimes {
  /** The pause between two looks for changes of other replicas. */
  readonly poll: number;
  /** The pauses while the store is away. */
  readonly backoff: BackoffOptions;
}

const TIMES: RegistrationTimes = { poll: 1_000, backoff: { minimum: 500, maximum: 5_000 } };

export class Registrations {
  readonly #store: Store;
  readonly #limits: RegistrationLimits;
  readonly #times: RegistrationTimes;
  readonly #failed: (error: unknown) => void;
  readonly #view = new RegistrationView();
  readonly #updates = new Turns();
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #end = new AbortController();
  #polling: Promise<void> | null = null;

  constructor({ store, limits = DEFAULT_REGISTRATION_LIMITS, times = TIMES, failed }: RegistrationsOptions) {
    this.#store = store;
    this.#limits = limits;
    this.#times = times;
    this.#failed = failed;
  }

  /** Registers endpoints of a Backend (`<namespace>/<name>`), all or none. Their addresses differ. */
  async add(backend: string, endpoints: readonly NewRegistration[], origin: string): Promise<Result<Additions, RegistrationRefusal>> {
    await this.#look();
    const written = await this.#store.write(async (t): Promise<Result<Additions, RegistrationRefusal>> => {
      const now = await t.now();
      const revision = await nextRevision(t);
      await expire(t, now);
      const known: boolean[] = [];
      for (const endpoint of endpoints) known.push(await has(t, backend, endpoint));
      const [renewed, added] = parted(endpoints, (_, index) => known[index] === true);
      const full = added.length === 0 ? null : await this.#excess(t, backend, added.length);
      if (full !== null) return err({ reason: 'full', message: full });
      for (const endpoint of endpoints) await put(t, { ...endpoint, backend, origin, now, revision });
      return ok({ added: added.map(addressOf), renewed: renewed.map(addressOf) });
    });
    await this.#update();
    return written.ok ? written.value : away(written.error);
  }

  /** Ends registrations of a Backend: these, or all. */
  async remove(backend: string, addresses: readonly EndpointAddress[] | 'all'): Promise<Result<Removals, RegistrationRefusal>> {
    await this.#look();
    const written = await this.#store.write(async (t): Promise<Removals> => {
      await nextRevision(t);
      const meant = addresses === 'all' ? (await allOf(t, backend)).map(addressOf) : addresses;
      const outcomes: boolean[] = [];
      for (const address of meant) outcomes.push(await remove(t, backend, address));
      const [removed, absent] = parted(meant, (_, index) => outcomes[index] === true);
      return { removed, absent };
    });
    await this.#update();
    return written.ok ? written : away(written.error);
  }

  /** The registered endpoints of a Backend, or of all. Without the store, those that are in use. */
  async list(backend: string | null): Promise<RegistrationList> {
    await this.#look();
    const trouble = await this.#update();
    const registrations = backend === null ? this.#view.all() : this.#view.of(backend);
    return { registrations, trouble };
  }

  /** Calls a follower with the endpoints of a Backend, and after each change. Returns a function that ends that. */
  follow(backend: string, follower: Follower): () => void {
    const followers = this.#followers.get(backend) ?? new Set();
    this.#followers.set(backend, followers.add(follower));
    if (this.#view.isCurrent) follower.found(this.#view.of(backend));
    void this.#look();
    return () => {
      followers.delete(follower);
      if (followers.size === 0) this.#followers.delete(backend);
    };
  }

  /** Whether the endpoints of a Backend are in use. */
  isFollowed(backend: string): boolean {
    return this.#followers.has(backend);
  }

  /** Resolves once nothing uses the store; it stays open. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#polling;
    await this.#updates.idle();
  }

  /** The first look decides about endpoints whose time is over, so it comes before any change. */
  async #look(): Promise<void> {
    if (!this.#view.isCurrent) await this.#update();
    this.#polling ??= this.#poll();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#end;
    const backoff = new Backoff(this.#times.backoff);
    while (!signal.aborted) {
      const trouble = await this.#update();
      if (trouble === null) backoff.reset();
      const pause = trouble === null ? this.#times.poll : backoff.next();
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Brings the view up to date. Resolves to the reason why that is not possible, or null. Never rejects. */
  #update(): Promise<string | null> {
    return this.#updates.take(async () => {
      try {
        return await this.#updateOnce();
      } catch (error) {
        this.#failed(error);
        return 'a bug in Weir stopped the use of the store; the log has its description';
      }
    });
  }

  async #updateOnce(): Promise<string | null> {
    const isFirst = !this.#view.isCurrent;
    if (isFirst || this.#view.hasExpired()) {
      const swept = await this.#store.write((t) => this.#sweep(t, isFirst));
      if (!swept.ok) return this.#lost(swept.error);
    }
    const read = await this.#store.read((t) => this.#view.read(t));
    if (!read.ok) return this.#lost(read.error);
    if (read.value === null) return null;
    const backends = this.#view.take(read.value);
    for (const [backend, followers] of this.#followers) {
      if (isFirst || backends.has(backend)) for (const follower of followers) follower.found(this.#view.of(backend));
    }
    return null;
  }

  /**
   * Endpoints whose time is over are deleted by any controller that sees it. So if there are such at the first look, no controller had the
   * store for a while, and they could not be renewed: their time begins again.
   */
  async #sweep(t: Transaction, isFirst: boolean): Promise<void> {
    const now = await t.now();
    const [row] = await t.rows('SELECT COUNT(*) AS count FROM weir_registered_endpoints WHERE expires <= ?', [now]);
    if (Number(row?.['count']) === 0) return;
    const revision = await nextRevision(t);
    if (isFirst) await revive(t, now, revision);
    else await expire(t, now);
  }

  #lost(message: string): string {
    this.#view.lost();
    for (const followers of this.#followers.values()) for (const follower of followers) follower.troubled(message);
    return message;
  }

  /** The message if a limit is exceeded with this number of further endpoints, or null. */
  async #excess(t: Transaction, backend: string, added: number): Promise<string | null> {
    const { perBackend, total } = this.#limits;
    const { ofBackend, all } = await totalsOf(t, backend);
    if (ofBackend + added > perBackend) {
      return `Backend ${backend} would have ${ofBackend + added} registered endpoints, and at most ${perBackend} are allowed: remove some first`;
    }
    return all + added > total
      ? `there would be ${all + added} registered endpoints, and at most ${total} are allowed: remove some first`
      : null;
  }
}

function away(message: string): Result<never, RegistrationRefusal> {
  return err({ reason: 'away', message });
}

function addressOf({ address, port }: EndpointAddress): EndpointAddress {
  return { address, port };
}

/** The items for which a condition holds, and the others. */
function parted<T>(items: readonly T[], holds: (item: T, index: number) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(holds), items.filter((item, index) => !holds(item, index))];
}
