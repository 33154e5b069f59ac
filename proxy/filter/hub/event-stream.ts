// A client of a hub that gets topics as server-sent events, and comes back with Last-Event-ID. Of several topics the id has a place in each,
// in the order of the request.
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import type { LocalStream, LocalWay } from '../../exchange/local-stream.ts';
import type { Subscriber, TopicMessage } from '../../exchange/topics.ts';
import { ERRORS } from '../../exchange/errors.ts';
import { Membership, type HubSide } from './membership.ts';
import type { MemberWatcher } from './member-watch.ts';
import { COMMENT, event, messageEvent, messageJson, newsJson } from './server-message.ts';

const SEPARATOR = ',';

export class EventStream implements LocalStream, Subscriber, MemberWatcher {
  readonly tunnel = null;
  readonly membership: Membership;
  readonly topics: readonly string[];
  sent = 0;
  /** The last message of each topic; '' before the first. */
  readonly #places: string[];
  readonly #watcher: MemberWatcher | null;
  #isLeaving = false;
  /** Messages of the history are on their way. */
  #isReading = 0;

  /** `watches`: it gets the news about members. */
  constructor(exchange: Exchange, hub: HubSide, topics: readonly string[], watches: boolean) {
    this.#watcher = watches ? this : null;
    this.membership = new Membership(exchange, hub);
    this.topics = topics;
    this.#places = placesOf(exchange, topics.length);
  }

  begin(way: LocalWay): void {
    this.membership.begin(way);
    // So that the client sees the head.
    this.membership.send(COMMENT);
    if (this.#isLeaving) return this.membership.end();
    this.#isReading = this.topics.length;
    this.topics.forEach((topic, i) => this.membership.subscribe(topic, this, this.#places[i] || null, this.#watcher));
  }

  get waitingBytes(): number {
    return this.membership.waitingBytes;
  }

  pauseResponse(): void {
    this.membership.pause();
  }

  resumeResponse(): void {
    this.membership.resume();
  }

  ended(): void {
    // A body has no other direction.
  }

  leave(): void {
    this.#isLeaving = true;
    this.membership.end();
  }

  close(): void {
    this.membership.close();
  }

  /** Called now and then. */
  look(now: number, isBeat: boolean): void {
    if (this.membership.isExpired(now)) this.membership.end();
    else if (isBeat && this.membership.isSilent) this.membership.send(COMMENT);
  }

  opened(topic: string, last: string, isWhole: boolean): void {
    queueMicrotask(() => this.#isReading--);
    this.membership.entered(topic);
    this.#places[this.topics.indexOf(topic)] = last;
    if (!isWhole) this.gap(topic);
    // The client knows its place also if no message comes.
    else this.membership.send(event('open', json({ type: 'subscribed', topic, last }), this.#lastId()));
  }

  message(topic: string, message: TopicMessage): void {
    this.sent++;
    this.membership.hub.counts.deliveries++;
    const isKept = this.#isReading > 0;
    if (this.topics.length === 1) return this.membership.send(messageEvent(topic, message), isKept);
    this.#places[this.topics.indexOf(topic)] = message.id;
    this.membership.send(event('message', messageJson(topic, message), this.#lastId()), isKept);
  }

  gap(topic: string): void {
    this.membership.send(event('gap', json({ type: 'gap', topic }), ''));
  }

  news(topic: string, message: TopicMessage): void {
    const { type } = JSON.parse(message.data) as { readonly type: string };
    this.sent++;
    this.membership.send((message.event ??= event(type, newsJson(topic, message), '')));
  }

  unwatched(): void {
    this.failed();
  }

  failed(): void {
    this.membership.fail(ERRORS.hubUnavailable);
  }

  /** '' until every topic has a place: a part of them would lose messages. */
  #lastId(): string {
    return this.#places.includes('') ? '' : this.#places.join(SEPARATOR);
  }
}

/** Browsers send the id of the last event when they come back; other clients may put it into the query. */
function placesOf({ requestHeaders, query }: Exchange, count: number): string[] {
  const last = getHeader(requestHeaders, 'last-event-id') ?? new URLSearchParams(query).get('last-event-id') ?? '';
  const places = last.split(SEPARATOR);
  return places.length === count ? places : Array.from({ length: count }, () => (places[0] === '' ? '' : UNKNOWN));
}

/** A place that no topic has, so that the client learns that it may have missed something. */
const UNKNOWN = '-';

function json(value: object): string {
  return JSON.stringify(value);
}
