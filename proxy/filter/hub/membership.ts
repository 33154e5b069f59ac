// A connection of a hub, whatever its transport: its subscriptions, its queue and its time.
import { randomUUID } from 'node:crypto';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { HubCount } from '../../exchange/hub-counts.ts';
import type { LocalWay } from '../../exchange/local-stream.ts';
import type { HubTopics, Subscriber, TopicMember, Unsubscribe } from '../../exchange/topics.ts';
import type { HubPlan } from './hub-plan.ts';
import { MemberWatch, type MemberWatcher } from './member-watch.ts';
import { Outbox } from './outbox.ts';

/** The hub, as its connections see it. */
export interface HubSide {
  readonly plan: HubPlan;
  readonly topics: HubTopics;
  readonly counts: HubCount;
  /** Whether the rules allow it. Tells of a refusal. */
  mayUse(exchange: Exchange, action: 'subscribe' | 'publish', topic: string): boolean;
}

export class Membership {
  readonly exchange: Exchange;
  readonly hub: HubSide;
  readonly member: TopicMember;
  readonly #openedAt = performance.now();
  readonly #subscriptions = new Map<string, Unsubscribe>();
  /** Topics in which others see the member. */
  readonly #entered = new Set<string>();
  #way: LocalWay | null = null;
  #outbox: Outbox | null = null;
  #isOver = false;

  constructor(exchange: Exchange, hub: HubSide) {
    this.exchange = exchange;
    this.hub = hub;
    this.member = { id: randomUUID(), name: exchange.principal?.id ?? '' };
  }

  begin(way: LocalWay): void {
    this.#way = way;
    this.#outbox = new Outbox(way, this.hub.plan.maxQueueSize);
  }

  get isPaused(): boolean {
    return this.#outbox?.isPaused === true;
  }

  get topics(): Iterable<string> {
    return this.#subscriptions.keys();
  }

  get waitingBytes(): number {
    return this.#outbox?.waitingBytes ?? 0;
  }

  /** Sends bytes; ends a connection that lets too much wait. */
  send(bytes: Buffer, isKept = false): void {
    if (this.#isOver || this.#outbox === null || this.#outbox.send(bytes, isKept)) return;
    this.hub.counts.slow++;
    this.fail(ERRORS.hubClientTooSlow);
  }

  pause(): void {
    this.#outbox?.pause();
  }

  resume(): void {
    this.#outbox?.resume();
  }

  /** Ends the connection with a reason. */
  fail(error: ExchangeError): void {
    this.#way?.fail(error);
  }

  /** Ends the connection in order. */
  end(): void {
    this.#way?.end();
  }

  /** Nothing was sent since the last call. */
  get isSilent(): boolean {
    const outbox = this.#outbox;
    if (outbox === null || outbox.isPaused) return false;
    const { hasSent } = outbox;
    outbox.hasSent = false;
    return !hasSent;
  }

  /** It has lived as long as it may. */
  isExpired(now: number): boolean {
    const { lifetime } = this.hub.plan;
    return lifetime > 0 && now - this.#openedAt >= lifetime;
  }

  // Subscriptions

  has(topic: string): boolean {
    return this.#subscriptions.has(topic);
  }

  get isFull(): boolean {
    return this.#subscriptions.size >= this.hub.plan.maxSubscriptions;
  }

  /** `watcher`: gets the news about members; null: does not. */
  subscribe(topic: string, subscriber: Subscriber, after: string | null, watcher: MemberWatcher | null): void {
    const { topics, counts } = this.hub;
    counts.subscriptions++;
    const endWatch = watcher === null ? null : topics.watchMembers(topic, new MemberWatch(this, watcher));
    const end = topics.subscribe(topic, subscriber, after);
    this.#subscriptions.set(topic, () => {
      endWatch?.();
      end();
    });
  }

  /** The subscription has begun: others see the member. */
  entered(topic: string): void {
    if (!this.hub.plan.presence) return;
    this.#entered.add(topic);
    this.hub.topics.enter(topic, this.member);
  }

  unsubscribe(topic: string): void {
    const end = this.#subscriptions.get(topic);
    if (end === undefined) return;
    this.#subscriptions.delete(topic);
    this.hub.counts.subscriptions--;
    end();
    if (this.#entered.delete(topic)) this.hub.topics.leave(topic, this.member);
  }

  /** The exchange is over. */
  close(): void {
    this.#isOver = true;
    for (const topic of [...this.#subscriptions.keys()]) this.unsubscribe(topic);
  }
}
