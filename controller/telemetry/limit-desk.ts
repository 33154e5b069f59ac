// Limits of fleets: the leader has the meters and lends units of them to all proxies; the other controllers hand asks on to it. A proxy that
// shows no sign of life for some seconds counts no more.
import { randomUUID } from 'node:crypto';
import type { LendingMessage } from '#api/wire/telemetry-messages.ts';
import { Lender } from '#lib/limit/lender.ts';
import { keyMatcher, Listing } from '#lib/limit/listing.ts';
import type { KeyState, LimitReset, ListedLimit } from '#lib/limit/listing.ts';
import type { Ask, Lend } from '#lib/limit/share.ts';
import { CLOCKS } from '#lib/limit/store.ts';
import type { Borrowers, TelemetryHub } from './hub.ts';

/** The part of a limit that may lie in stocks of proxies. */
const SHARE = 0.03;
/** Keys of one limit. */
const MAX_KEYS = 100_000;
/** A new leader learns for so long what was used before it, milliseconds: proxies connect within this time. */
const LEARN_MS = 2_000;
/** Controllers tell the leader their proxies so often, milliseconds. */
const EVERY_MS = 1_000;
/** A proxy counts for so long after its last sign of life, milliseconds: it may be on its way to another controller. */
const SILENT_MS = 5_000;

const NO_LENDER: LendingMessage = { lender: '', borrowers: 0, proxies: 0 };

/** The lender of each scope. */
export type Lenders = readonly (LendingMessage & { readonly scope: string })[];

/** The way to the leader. Null: it does not answer, or is not known. */
export interface LimitPeers {
  borrow(scope: string, borrower: string, asks: readonly Ask[]): Promise<readonly Lend[] | null>;
  /** Tells it the proxies of this controller. */
  present(borrowers: Borrowers): Promise<Lenders | null>;
  list(limits: readonly ListedLimit[], top: number): Promise<readonly LentKeys[] | null>;
  reset(reset: LimitReset): Promise<number | null>;
}

/** Keys of limits of one scope. */
export interface LentKeys {
  readonly scope: string;
  readonly states: readonly KeyState[];
  /** Keys without room. */
  readonly more: number;
}

/** For a controller without others. */
export const NO_LIMIT_PEERS: LimitPeers = {
  borrow: () => Promise.resolve(null),
  present: () => Promise.resolve(null),
  list: () => Promise.resolve(null),
  reset: () => Promise.resolve(null),
};

/** A proxy, and when it was seen last. */
interface Seen {
  readonly at: number;
  readonly isDraining: boolean;
}

/** The limits of the proxies of one scope. */
interface Scope {
  readonly lender: Lender;
  readonly seen: Map<string, Seen>;
}

export interface LimitDeskOptions {
  readonly hub: TelemetryHub;
  readonly peers: LimitPeers;
  readonly learnMs?: number;
  readonly everyMs?: number;
}

export class LimitDesk {
  readonly #options: LimitDeskOptions;
  readonly #scopes = new Map<string, Scope>();
  /** Null: another controller lends. */
  #name: string | null = null;
  #learnsUntil = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LimitDeskOptions) {
    this.#options = options;
    const joined = (): void => void this.#tell();
    options.hub.lendBy((scope, borrower, asks) => this.#lend(scope, borrower, asks), joined);
  }

  start(): void {
    this.#timer = setInterval(() => void this.#tell(), this.#options.everyMs ?? EVERY_MS);
    this.#timer.unref();
    void this.#tell();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** This controller lends from now on, or no longer. */
  lead(leading: boolean): void {
    if (leading === (this.#name !== null)) return;
    this.#scopes.clear();
    this.#name = leading ? randomUUID() : null;
    this.#learnsUntil = CLOCKS.steady() + (this.#options.learnMs ?? LEARN_MS);
    void this.#tell();
  }

  /** Lends to a proxy of any controller. Null: another controller leads. */
  lend(scope: string, borrower: string, asks: readonly Ask[]): readonly Lend[] | null {
    if (this.#name === null) return null;
    const { lender, seen } = this.#scopeOf(scope);
    seen.set(borrower, { at: CLOCKS.steady(), isDraining: seen.get(borrower)?.isDraining ?? false });
    return lender.lend(borrower, asks);
  }

  /** Takes the proxies of a controller. Null: another controller leads. */
  present(borrowers: Borrowers): Lenders | null {
    if (this.#name === null) return null;
    const now = CLOCKS.steady();
    for (const { scope, borrowers: names, draining = [] } of borrowers) {
      const { lender, seen } = this.#scopeOf(scope);
      for (const name of names) {
        seen.set(name, { at: now, isDraining: draining.includes(name) });
        lender.joined(name);
      }
    }
    this.#forget(now);
    const name = this.#name;
    return [...this.#scopes].map(([scope, { lender, seen }]) => {
      const proxies = [...seen.values()].filter(({ isDraining }) => !isDraining).length;
      return { scope, lender: name, borrowers: lender.borrowers, proxies };
    });
  }

  /** The keys of limits that the leader counts, at most so many in each scope. Null: none leads. */
  async list(limits: readonly ListedLimit[], top: number): Promise<readonly LentKeys[] | null> {
    return this.ownKeys(limits, top) ?? this.#options.peers.list(limits, top);
  }

  /** Forgets keys of a limit. Resolves to their number; null: none leads. */
  async reset(reset: LimitReset): Promise<number | null> {
    return this.resetOwn(reset) ?? this.#options.peers.reset(reset);
  }

  /** As `list`, of this controller alone. Null: another controller leads. */
  ownKeys(limits: readonly ListedLimit[], top: number): Promise<readonly LentKeys[]> | null {
    if (this.#name === null) return null;
    return Promise.all([...this.#scopes].map(([scope, { lender }]) => keysOf(scope, lender, limits, top)));
  }

  /** As `reset`, of this controller alone. Null: another controller leads. */
  resetOwn(reset: LimitReset): Promise<number> | null {
    return this.#name === null ? null : this.#reset(reset);
  }

  async #reset(reset: LimitReset): Promise<number> {
    const isMeant = keyMatcher(reset);
    let count = 0;
    for (const { lender } of this.#scopes.values()) for (const id of reset.ids) count += await lender.reset(id, isMeant);
    return count;
  }

  async #lend(scope: string, borrower: string, asks: readonly Ask[]): Promise<readonly Lend[]> {
    return this.lend(scope, borrower, asks) ?? (await this.#options.peers.borrow(scope, borrower, asks)) ?? [];
  }

  async #tell(): Promise<void> {
    const { hub, peers } = this.#options;
    const own = hub.borrowers();
    const lenders = this.present(own) ?? (await peers.present(own)) ?? [];
    hub.tellLending((scope) => {
      const lender = lenders.find((each) => each.scope === scope);
      return lender === undefined ? NO_LENDER : { lender: lender.lender, borrowers: lender.borrowers, proxies: lender.proxies };
    });
  }

  #forget(now: number): void {
    for (const { lender, seen } of this.#scopes.values()) {
      for (const [name, { at }] of seen) {
        if (now - at < SILENT_MS) continue;
        seen.delete(name);
        lender.left(name);
      }
    }
  }

  #scopeOf(name: string): Scope {
    let scope = this.#scopes.get(name);
    if (scope === undefined) {
      const learnMs = Math.max(0, this.#learnsUntil - CLOCKS.steady());
      const lender = new Lender({ clocks: CLOCKS, share: SHARE, maxKeys: MAX_KEYS, learnMs });
      this.#scopes.set(name, (scope = { lender, seen: new Map() }));
    }
    return scope;
  }
}

async function keysOf(scope: string, lender: Lender, limits: readonly ListedLimit[], top: number): Promise<LentKeys> {
  const listing = new Listing<KeyState>(top);
  for (const limit of limits) await lender.list(limit, listing);
  return { scope, states: listing.values, more: listing.more };
}
