// A client of a hub by WebSocket: its frames, and what it asks for in the protocol `weir.hub.v1`.
import { closeCodeFor, closeFrame } from '../../codec/websocket/close.ts';
import { PING_FRAME, pongFrame, textFrame } from '../../codec/websocket/frames.ts';
import { FAULT, MessageReader, type MessageSink } from '../../codec/websocket/message-reader.ts';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange, WebSocketClose, WebSocketTunnel } from '../../exchange/exchange.ts';
import type { LocalStream, LocalWay } from '../../exchange/local-stream.ts';
import type { Subscriber, TopicMessage } from '../../exchange/topics.ts';
import { parseClientMessage, type ClientMessage, type Mark } from './client-message.ts';
import { Membership, type HubSide } from './membership.ts';
import type { MemberWatcher } from './member-watch.ts';
import { messageFrame, newsFrame, type HubErrorCode } from './server-message.ts';

const NONE: WebSocketClose = Object.freeze({ code: 1_006, by: '' });
/** A close frame without a status. */
const NO_STATUS = 1_005;
const NORMAL = 1_000;

type Of<T extends ClientMessage['type']> = Extract<ClientMessage, { readonly type: T }>;

export class HubWebSocket implements LocalStream, WebSocketTunnel, Subscriber, MemberWatcher, MessageSink {
  readonly membership: Membership;
  received = 0;
  sent = 0;
  close: WebSocketClose = NONE;
  ending: ExchangeError | null = null;
  readonly #reader: MessageReader;
  /** The code of the fault of the client; 0 without one. */
  #fault = 0;
  /** Messages that wait until the one before is done and the client reads. */
  #inbox: string[] = [];
  #isBusy = false;
  /** The topic whose history is on its way, and the mark of its subscription. */
  #opening: { readonly topic: string; readonly ref: Mark } | null = null;
  /** No sign of the client came since the last ping. */
  #isPinged = false;
  /** The client has sent its close frame. */
  #isClosed = false;
  readonly #first: readonly string[];

  /** `topics`: subscribed to at once. */
  constructor(exchange: Exchange, hub: HubSide, topics: readonly string[]) {
    this.membership = new Membership(exchange, hub);
    this.#reader = new MessageReader(this, hub.plan.maxMessageSize);
    this.#first = topics;
  }

  get tunnel(): WebSocketTunnel {
    return this;
  }

  get topics(): Iterable<string> {
    return this.membership.topics;
  }

  get waitingBytes(): number {
    return this.membership.waitingBytes;
  }

  begin(way: LocalWay): void {
    this.membership.begin(way);
    this.#inbox = this.#first.map((topic) => JSON.stringify({ type: 'subscribe', topic }));
    this.#work();
  }

  pauseResponse(): void {
    this.membership.pause();
  }

  resumeResponse(): void {
    this.membership.resume();
    this.#work();
  }

  /** Without a close frame. */
  ended(): void {
    this.membership.end();
  }

  /** Called now and then. */
  look(now: number, isBeat: boolean): void {
    // The client has sent its close frame, and not the end.
    if (this.#isClosed) return isBeat ? this.membership.fail(ERRORS.idleTimeout) : undefined;
    if (this.membership.isExpired(now)) return this.membership.fail(ERRORS.webSocketExpired);
    if (!isBeat) return;
    if (this.#isPinged) return this.membership.fail(ERRORS.idleTimeout);
    this.#isPinged = true;
    this.membership.send(PING_FRAME);
  }

  // Frames

  fromClient(exchange: Exchange, chunk: Buffer): boolean {
    this.#isPinged = false;
    this.#fault = this.#reader.read(chunk);
    if (this.#fault !== FAULT.none) this.ending = this.#fault === FAULT.tooLarge ? ERRORS.webSocketTooLarge : ERRORS.webSocketMalformed;
    else if (this.#reader.closeCode !== 0) this.#closed(this.#reader.closeCode);
    return this.#inbox.length === 0 || exchange.phase === 'done';
  }

  fromBackend(): boolean {
    return true;
  }

  leave(error: ExchangeError): boolean {
    this.ending = error;
    return true;
  }

  sayWhy(exchange: Exchange, error: ExchangeError): boolean {
    const code = this.#fault === FAULT.none ? closeCodeFor(error) : this.#fault;
    if (this.#isClosed) return true;
    this.close = { code, by: 'proxy' };
    exchange.downstream.writeData(exchange, closeFrame(code, false, error.close?.reason ?? error.title));
    return true;
  }

  end(): void {
    this.membership.close();
  }

  /** RFC 6455 section 5.5.1: a close frame is answered with its status. */
  #closed(code: number): void {
    this.#isClosed = true;
    this.close = { code, by: 'client' };
    this.membership.send(closeFrame(code === NO_STATUS ? NORMAL : code, false));
    this.membership.end();
    this.membership.close();
  }

  ping(payload: Buffer): void {
    this.membership.send(pongFrame(payload));
  }

  pong(): void {
    // Any byte is a sign of life.
  }

  text(message: string): void {
    this.received++;
    this.#inbox.push(message);
    this.#work();
  }

  // Messages of the client, one after the other

  #work(): void {
    while (!this.#isBusy && !this.membership.isPaused) {
      const next = this.#inbox.shift();
      if (next === undefined) return;
      const message = parseClientMessage(next);
      if (message.ok) this.#act(message.value);
      else this.#refuse('malformed', message.error.text, message.error.ref);
    }
  }

  /** The message is done: the next one follows. */
  #done(): void {
    this.#isBusy = false;
    const { exchange } = this.membership;
    if (exchange.phase === 'done') return;
    this.#work();
    if (this.#inbox.length === 0) exchange.downstream.resumeRequest();
  }

  #act(message: ClientMessage): void {
    switch (message.type) {
      case 'subscribe':
        return this.#subscribe(message);
      case 'unsubscribe':
        this.membership.unsubscribe(message.topic);
        return this.#say({ type: 'unsubscribed', topic: message.topic, ref: message.ref });
      case 'publish':
        return this.#publish(message);
      case 'presence':
        return this.#presence(message);
      default:
        return this.#say({ type: 'pong', ref: message.ref });
    }
  }

  #subscribe({ topic, after, presence, ref }: Of<'subscribe'>): void {
    const { membership } = this;
    if (!membership.hub.mayUse(membership.exchange, 'subscribe', topic))
      return this.#refuse('denied', 'the rules do not allow it', ref, topic);
    if (presence && !membership.hub.plan.presence) return this.#refuse('denied', 'the hub has no presence', ref, topic);
    // Again: with another place in the topic.
    membership.unsubscribe(topic);
    if (membership.isFull) return this.#refuse('too_many', 'the connection has as many subscriptions as it may', ref, topic);
    this.#isBusy = true;
    this.#opening = { topic, ref };
    membership.subscribe(topic, this, after, presence ? this : null);
  }

  opened(topic: string, last: string, isWhole: boolean): void {
    const ref = this.#opening?.ref;
    this.membership.entered(topic);
    this.#say({ type: 'subscribed', topic, last, ref });
    if (!isWhole) this.gap(topic);
    // The history follows in this turn.
    queueMicrotask(() => {
      this.#opening = null;
      this.#done();
    });
  }

  failed(topic: string, reason: string): void {
    const ref = this.#opening?.ref;
    this.#opening = null;
    this.membership.unsubscribe(topic);
    this.#refuse('unavailable', `the topic cannot be followed: ${reason}`, ref, topic);
    this.#done();
  }

  message(topic: string, message: TopicMessage): void {
    this.sent++;
    this.membership.hub.counts.deliveries++;
    this.membership.send(messageFrame(topic, message), this.#opening?.topic === topic);
  }

  gap(topic: string): void {
    this.#say({ type: 'gap', topic });
  }

  news(topic: string, message: TopicMessage): void {
    this.sent++;
    this.membership.send(newsFrame(topic, message));
  }

  unwatched(topic: string, reason: string): void {
    this.#refuse('unavailable', `the members cannot be followed: ${reason}`, undefined, topic);
  }

  #publish({ topic, data, ref }: Of<'publish'>): void {
    const { hub, exchange } = this.membership;
    if (!hub.mayUse(exchange, 'publish', topic)) return this.#refuse('denied', 'the rules do not allow it', ref, topic);
    this.#isBusy = true;
    void hub.topics.publish(topic, data).then((id) => {
      if (id.ok) {
        hub.counts.published++;
        this.#say({ type: 'published', topic, id: id.value, ref });
      } else this.#refuse('unavailable', `the message is not published: ${id.error}`, ref, topic);
      this.#done();
    });
  }

  #presence({ topic, ref }: Of<'presence'>): void {
    const { hub } = this.membership;
    if (!hub.plan.presence || !this.membership.has(topic)) {
      return this.#refuse('denied', 'presence is for subscribers, of a hub that has it', ref, topic);
    }
    this.#isBusy = true;
    void hub.topics.presence(topic).then((present) => {
      if (present.ok) this.#say({ type: 'presence', topic, ...present.value, ref });
      else this.#refuse('unavailable', `the callers are not known: ${present.error}`, ref, topic);
      this.#done();
    });
  }

  #say(message: object): void {
    this.membership.send(textFrame(JSON.stringify(message)));
  }

  #refuse(code: HubErrorCode, text: string, ref: Mark, topic?: string): void {
    this.#say({ type: 'error', code, text, topic, ref });
  }
}
