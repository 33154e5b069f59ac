// What a controller knows of the registered endpoints: a copy of the table, brought up to date with the rows that changed.
import type { Transaction } from '#lib/store/store.ts';
import { addressKey, type Registration } from './registration.ts';
import { allOf, changedSince, countsOf, revisionsOf } from './registration-table.ts';

/** The difference to the table. */
export interface ViewUpdate {
  readonly revision: number;
  /** The clock of the store. */
  readonly now: number;
  readonly changed: readonly Registration[];
  /** Backends that have lost endpoints, with all that they have. */
  readonly reloaded: ReadonlyMap<string, readonly Registration[]>;
}

/** An endpoint with the time at which it ends, by the clock of this process (performance.now). */
interface Known {
  readonly registration: Registration;
  readonly deadline: number;
}

/** A view that has read nothing. */
const NOTHING = -1;

export class RegistrationView {
  /** By Backend, then by address. */
  readonly #backends = new Map<string, Map<string, Known>>();
  #revision = NOTHING;

  /** Whether the table was read, and not lost from sight since. */
  get isCurrent(): boolean {
    return this.#revision !== NOTHING;
  }

  /** The endpoints of a Backend. */
  of(backend: string): readonly Registration[] {
    return [...(this.#backends.get(backend)?.values() ?? [])].map(({ registration }) => registration);
  }

  all(): readonly Registration[] {
    return [...this.#backends.keys()].flatMap((backend) => this.of(backend));
  }

  /** The store was away, and may have become another one: the next update reads all of it. What is known stays known until then. */
  lost(): void {
    this.#revision = NOTHING;
  }

  /** Whether an endpoint has reached its end. */
  hasExpired(): boolean {
    const now = performance.now();
    return [...this.#backends.values()].some((known) => [...known.values()].some(({ deadline }) => deadline <= now));
  }

  /** Reads the difference to the table; null without one. An older table (a restored backup) is read as a whole. */
  async read(t: Transaction): Promise<ViewUpdate | null> {
    const { revision, removal } = await revisionsOf(t);
    if (revision === this.#revision) return null;
    if (revision < this.#revision) this.#revision = NOTHING;
    const now = await t.now();
    const changed = await changedSince(t, this.#revision);
    const reloaded = new Map<string, readonly Registration[]>();
    const losses = removal > this.#revision ? this.#lossesIn(changed, await countsOf(t)) : [];
    for (const backend of losses) reloaded.set(backend, await allOf(t, backend));
    return { revision, now, changed, reloaded };
  }

  /** Takes a difference. Returns the Backends that it concerns. */
  take({ revision, now, changed, reloaded }: ViewUpdate): ReadonlySet<string> {
    const offset = performance.now() - now;
    const known = (registration: Registration): Known => {
      return { registration, deadline: registration.expires === null ? Infinity : registration.expires + offset };
    };
    for (const registration of changed) this.#endpointsOf(registration.backend).set(addressKey(registration), known(registration));
    for (const [backend, all] of reloaded) {
      if (all.length === 0) this.#backends.delete(backend);
      else this.#backends.set(backend, new Map(all.map((each) => [addressKey(each), known(each)])));
    }
    this.#revision = revision;
    return new Set([...changed.map(({ backend }) => backend), ...reloaded.keys()]);
  }

  #endpointsOf(backend: string): Map<string, Known> {
    const endpoints = this.#backends.get(backend) ?? new Map<string, Known>();
    this.#backends.set(backend, endpoints);
    return endpoints;
  }

  /** Backends that would have more endpoints than the table after these changes; all that are known, if all is read anew. */
  #lossesIn(changed: readonly Registration[], counts: ReadonlyMap<string, number>): readonly string[] {
    if (this.#revision === NOTHING) return [...this.#backends.keys()];
    const byBackend = Map.groupBy(changed, ({ backend }) => backend);
    return [...this.#backends].flatMap(([backend, known]) => {
      const keys = new Set([...known.keys(), ...(byBackend.get(backend) ?? []).map(addressKey)]);
      return keys.size === (counts.get(backend) ?? 0) ? [] : [backend];
    });
  }
}
