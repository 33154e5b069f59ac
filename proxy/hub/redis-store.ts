// Topics in Redis, for all proxies: a worker publishes and reads with the connection that it has, and follows topics with one more.
import type { RedisConnection } from '#lib/redis-connection.ts';
import type { RedisClient } from '#lib/redis.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { HistoryTerms, TopicMember } from '../exchange/topics.ts';
import { NEWS_HISTORY, newsOf, newsTopic } from './member-news.ts';
import { RedisFollower } from './redis-follower.ts';
import { readingOf, type RedisAnswer } from './redis-reading.ts';
import { KEEP_MEMBER, PUBLISH, READ } from './redis-scripts.ts';
import type { Reading, StoreListener, TopicStore } from './topic-store.ts';

/** Members of workers that end without a word are gone after this time. */
const MEMBER_MS = 60_000;
const RENEW_EVERY_MS = 20_000;
const AWAY = err('Redis does not answer');

export class RedisStore implements TopicStore {
  readonly #connection: Pick<RedisConnection, 'client'>;
  readonly #follower: RedisFollower;
  readonly #members = new Map<string, { readonly topic: string; readonly text: string }>();
  readonly #timer = setInterval(() => this.#renew(), RENEW_EVERY_MS).unref();

  /** `subscriber`: a connection for this store alone, which it closes. */
  constructor(connection: Pick<RedisConnection, 'client'>, subscriber: RedisConnection, listener: StoreListener) {
    this.#connection = connection;
    this.#follower = new RedisFollower(subscriber, listener, (topic, after, history) => this.read(topic, after, history));
  }

  publish(topic: string, data: string, { messages, age }: HistoryTerms): Promise<Result<string>> {
    const { stream, floor, channel } = keysOf(topic);
    return this.#run(async (client) => String(await client.eval(PUBLISH, 2, stream, floor, data, messages, Math.max(1, age), channel)));
  }

  read(topic: string, after: string | null, history: HistoryTerms): Promise<Result<Reading>> {
    const { stream, floor } = keysOf(topic);
    const from = after !== null && /^\d{1,15}-\d{1,15}$/.test(after) ? after : after === null ? '' : '0-0';
    return this.#run(async (client) => readingOf((await client.eval(READ, 2, stream, floor, from)) as RedisAnswer, after, history));
  }

  follow(topic: string, history: HistoryTerms): Promise<Result<null>> {
    return this.#follower.follow(topic, history);
  }

  unfollow(topic: string): void {
    this.#follower.unfollow(topic);
  }

  enter(topic: string, { id, name }: TopicMember): void {
    const entry = { topic, text: JSON.stringify([id, name]) };
    this.#members.set(`${id} ${topic}`, entry);
    void this.#keep(entry);
  }

  leave(topic: string, { id }: TopicMember): void {
    const entry = this.#members.get(`${id} ${topic}`);
    this.#members.delete(`${id} ${topic}`);
    if (entry !== undefined) void this.#run((client) => client.zrem(keysOf(topic).members, entry.text));
  }

  members(topic: string): Promise<Result<readonly TopicMember[]>> {
    return this.#run(async (client) => {
      const texts = await client.zrangebyscore(keysOf(topic).members, Date.now(), '+inf');
      return texts.map(memberOf);
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#follower.close();
  }

  #renew(): void {
    for (const entry of this.#members.values()) void this.#keep(entry);
  }

  async #keep({ topic, text }: { readonly topic: string; readonly text: string }): Promise<void> {
    const { members } = keysOf(topic);
    const now = Date.now();
    const gone = await this.#run((client) => client.eval(KEEP_MEMBER, 1, members, now, now + MEMBER_MS, text, MEMBER_MS));
    if (!gone.ok) return;
    for (const each of gone.value as string[]) void this.publish(newsTopic(topic), newsOf('left', memberOf(each)), NEWS_HISTORY);
  }

  async #run<T>(command: (client: RedisClient) => Promise<T>): Promise<Result<T>> {
    const { client } = this.#connection;
    if (client === null) return AWAY;
    try {
      return ok(await command(client));
    } catch {
      return AWAY;
    }
  }
}

function memberOf(text: string): TopicMember {
  const [id, name] = JSON.parse(text) as [string, string];
  return { id, name };
}

/** The keys of a topic are in one slot of a Cluster: topics have no braces. */
export function keysOf(topic: string): {
  readonly stream: string;
  readonly floor: string;
  readonly members: string;
  readonly channel: string;
} {
  const base = `weir:hub:{${topic}}`;
  return { stream: `${base}:messages`, floor: `${base}:floor`, members: `${base}:members`, channel: `${base}:channel` };
}
