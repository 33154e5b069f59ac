// The topics that a worker follows in Redis. After each loss of the connection it reads what it missed, before anything newer passes.
import { once } from 'node:events';
import type { RedisConnection } from '#lib/redis-connection.ts';
import type { RedisClient } from '#lib/redis.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { HistoryTerms } from '../exchange/topics.ts';
import { compareIds, parseMessageId } from './message-id.ts';
import type { Reading, StoredMessage, StoreListener } from './topic-store.ts';

/** Reads a topic after a message. */
type Read = (topic: string, after: string | null, history: HistoryTerms) => Promise<Result<Reading>>;

/** A message of the channel. */
interface Arrived extends StoredMessage {
  /** The id of the message before it; `-` without one. */
  readonly previous: string;
}

interface Followed {
  readonly history: HistoryTerms;
  /** The last message that was passed on; '' before the place in the topic is known. */
  last: string;
  /** Messages that wait until the missed ones are read; null: nothing was missed. */
  waiting: Arrived[] | null;
}

const PREFIX = 'weir:hub:{';
const SUFFIX = '}:channel';
/** How long a topic waits for the connection. */
const CONNECT_MS = 2_000;
/** A Cluster does not tell when its subscriptions move to another node, so what may be missing is looked up. */
const AUDIT_EVERY_MS = 5_000;
const AWAY = err('Redis does not answer');

export class RedisFollower {
  readonly #connection: RedisConnection;
  readonly #listener: StoreListener;
  readonly #read: Read;
  readonly #topics = new Map<string, Followed>();
  readonly #timer = setInterval(() => this.#audit(), AUDIT_EVERY_MS).unref();
  #client: RedisClient | null = null;

  constructor(connection: RedisConnection, listener: StoreListener, read: Read) {
    this.#connection = connection;
    this.#listener = listener;
    this.#read = read;
  }

  async follow(topic: string, history: HistoryTerms): Promise<Result<null>> {
    const followed: Followed = { history, last: '', waiting: [] };
    this.#topics.set(topic, followed);
    const client = await this.#ready();
    const isSubscribed = client !== null && (await subscribed(client, [topic]));
    const place = isSubscribed ? await this.#read(topic, null, history) : AWAY;
    if (!place.ok) {
      if (this.#topics.get(topic) === followed) this.unfollow(topic);
      return AWAY;
    }
    followed.last = place.value.last;
    this.#release(topic, followed, place.value.last);
    return ok(null);
  }

  unfollow(topic: string): void {
    this.#topics.delete(topic);
    this.#client?.unsubscribe(channelOf(topic)).catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#topics.clear();
    this.#connection.close();
  }

  /** The connection, once it takes commands; null: it does not in time. */
  async #ready(): Promise<RedisClient | null> {
    const signal = AbortSignal.timeout(CONNECT_MS);
    while (!signal.aborted) {
      const client = this.#attach();
      if (client?.status === 'ready') return client;
      if (client === null) await new Promise((resolve) => setTimeout(resolve, 10));
      else await once(client, 'ready', { signal }).catch(() => undefined);
    }
    return null;
  }

  /** The client is another one after a change of its secrets. */
  #attach(): RedisClient | null {
    const { client } = this.#connection;
    if (client === this.#client || client === null) return client;
    this.#client = client;
    client.on('message', (channel: string, text: string) => this.#arrived(channel, text));
    client.on('close', () => this.#hold());
    client.on('ready', () => void this.#resume(client));
    if (client.status === 'ready') void this.#resume(client);
    return client;
  }

  #arrived(channel: string, text: string): void {
    const topic = channel.slice(PREFIX.length, -SUFFIX.length);
    const followed = this.#topics.get(topic);
    if (followed === undefined) return;
    const message = arrivedOf(text);
    if (followed.waiting !== null) followed.waiting.push(message);
    else this.#passOn(topic, followed, [message], followed.last);
  }

  /** Messages may be missed from now on. */
  #hold(): void {
    for (const followed of this.#topics.values()) followed.waiting ??= [];
  }

  async #resume(client: RedisClient): Promise<void> {
    if (client !== this.#client) return;
    this.#hold();
    const topics = [...this.#topics.keys()].filter((topic) => this.#topics.get(topic)?.last !== '');
    if (topics.length === 0) return;
    // In a Cluster the server with the subscriptions may be away, and that with a topic is there.
    if (client.isCluster) await this.#catchUpAll(topics);
    if (await subscribed(client, topics)) await this.#catchUpAll(topics);
  }

  async #catchUpAll(topics: readonly string[]): Promise<void> {
    await Promise.all(topics.map((topic) => this.#catchUp(topic)));
  }

  async #catchUp(topic: string): Promise<void> {
    const followed = this.#topics.get(topic);
    if (followed === undefined) return;
    const reading = await this.#read(topic, followed.last, followed.history);
    // The next look tries again.
    if (!reading.ok || this.#topics.get(topic) !== followed) return;
    if (!reading.value.isWhole) this.#listener.missed(topic);
    for (const message of reading.value.messages) this.#deliver(topic, followed, message);
    this.#release(topic, followed, reading.value.last);
  }

  #audit(): void {
    const client = this.#attach();
    if (client === null || client.status !== 'ready') return;
    const isHeld = [...this.#topics.values()].some(({ last, waiting }) => last !== '' && waiting !== null);
    if (client.isCluster || isHeld) void this.#resume(client);
  }

  /** Nothing up to `known` is missing any more. */
  #release(topic: string, followed: Followed, known: string): void {
    const { waiting } = followed;
    followed.waiting = null;
    this.#passOn(topic, followed, waiting ?? [], known);
  }

  /** A Cluster may have moved the subscription: then messages before one of these are missing, and are read first. */
  #passOn(topic: string, followed: Followed, messages: readonly Arrived[], known: string): void {
    for (const [i, message] of messages.entries()) {
      if (isLater(message.previous, followed.last) && isLater(message.previous, known)) {
        followed.waiting = messages.slice(i);
        return void this.#catchUp(topic);
      }
      this.#deliver(topic, followed, message);
    }
  }

  #deliver(topic: string, followed: Followed, message: StoredMessage): void {
    if (!isLater(message.id, followed.last)) return;
    const { id, data } = message;
    followed.last = id;
    this.#listener.arrived(topic, { id, data });
  }
}

/** `ID PREVIOUS DATA`. */
function arrivedOf(text: string): Arrived {
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  return { id: text.slice(0, first), previous: text.slice(first + 1, second), data: text.slice(second + 1) };
}

function isLater(id: string, last: string): boolean {
  const [one, other] = [parseMessageId(id), parseMessageId(last)];
  return one !== null && (other === null || compareIds(one, other) > 0);
}

function channelOf(topic: string): string {
  return `${PREFIX}${topic}${SUFFIX}`;
}

async function subscribed(client: RedisClient, topics: readonly string[]): Promise<boolean> {
  try {
    await client.subscribe(...topics.map(channelOf));
    return true;
  } catch {
    return false;
  }
}
