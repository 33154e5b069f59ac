// The limits of a proxy that its workers count together: the supervisor lends units of those of this proxy, and hands on those of the fleet.
import { Lender } from '#lib/limit/lender.ts';
import { keyMatcher } from '#lib/limit/listing.ts';
import type { KeyState, LimitReset, ListedLimit, Listing } from '#lib/limit/listing.ts';
import type { Ask, Lend } from '#lib/limit/share.ts';
import { CLOCKS, MAX_KEYS } from '#lib/limit/store.ts';
import type { LendingStore } from '#lib/limit/store.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { evictionFamily } from '#lib/limit/metrics.ts';
import type { Broadcast } from '../exchange/notices.ts';
import { Lease } from './lease.ts';

/** The part of a limit that may lie in stocks of workers. */
const LENT_SHARE = 0.005;

export class SupervisedLimits {
  readonly #notices: Broadcast;
  #proxies = 1;
  readonly #lender = new Lender({ clocks: CLOCKS, share: LENT_SHARE, maxKeys: MAX_KEYS });
  /** Limits of the fleet. */
  readonly lease = new Lease();

  constructor(notices: Broadcast) {
    this.#notices = notices;
  }

  /** As Lease.found. */
  found(...lender: Parameters<Lease['found']>): void {
    this.lease.found(...lender);
  }

  /** The answers of the lender of the fleet. */
  receive(lends: readonly Lend[]): void {
    this.lease.receive(lends);
  }

  /** There is no lender of the fleet. */
  lost(): void {
    this.lease.lost();
  }

  /** The fleet has so many proxies that do not drain. */
  counted(proxies: number): void {
    if (proxies === this.#proxies) return;
    this.#proxies = proxies;
    this.#notices.publish('proxies', '', proxies);
  }

  /** The number of proxies of the fleet that do not drain, as the controller told it last; 1 before. */
  get proxies(): number {
    return this.#proxies;
  }

  families(): readonly MetricFamily[] {
    return [evictionFamily(() => ({ Local: this.#lender.evictions, Lease: this.lease.evictions }))];
  }

  /** A worker in a process of its own starts. */
  joined(worker: string): void {
    this.#lender.joined(worker);
  }

  /** Answers the asks of a worker. */
  lend(store: LendingStore, worker: string, asks: readonly Ask[]): readonly Lend[] | Promise<readonly Lend[]> {
    return store === 'Local' ? this.#lender.lend(worker, asks) : this.lease.lend(worker, asks);
  }

  /** A worker has died, and another takes its place. */
  died(worker: string): void {
    this.lease.workerDied(worker);
    this.#lender.left(worker);
    this.#lender.joined(worker);
  }

  /** Adds the keys of limits of this proxy that workers in processes of their own count. */
  async list(limits: readonly ListedLimit[], listing: Listing<KeyState>): Promise<void> {
    for (const limit of limits) await this.#lender.list(limit, listing);
  }

  /** Forgets keys of a limit. Resolves to the number of those that only this supervisor counts. */
  async reset(reset: LimitReset): Promise<number> {
    const isMeant = keyMatcher(reset);
    let count = 0;
    for (const id of reset.ids) {
      if (reset.store === 'Local') count += await this.#lender.reset(id, isMeant);
      if (reset.store === 'Lease') this.lease.forget(id, isMeant);
    }
    return count;
  }
}
