// A topic with its subscribers in a worker. Each subscriber gets what it missed, then every new message once, in the order of their ids.
import type { Result } from '#lib/result.ts';
import type { HistoryTerms, Subscriber, TopicMessage } from '../exchange/topics.ts';
import { compareIds, parseMessageId, type MessageId } from './message-id.ts';
import type { Reading, StoredMessage, TopicStore } from './topic-store.ts';

/** One subscription. */
class Following {
  readonly subscriber: Subscriber;
  readonly after: string | null;
  /** New messages until the history is there; null: it is. */
  waiting: TopicMessage[] | null = [];
  /** The last message of the history until a later one has come: the store may tell of a message after it was read. Null: nothing to compare. */
  read: MessageId | null = null;

  constructor(subscriber: Subscriber, after: string | null) {
    this.subscriber = subscriber;
    this.after = after;
  }
}

export interface FollowedTopicOptions {
  /** As the store and as subscribers know it. */
  readonly key: string;
  readonly name: string;
  readonly store: TopicStore;
  readonly history: HistoryTerms;
}

export class FollowedTopic {
  readonly #options: FollowedTopicOptions;
  readonly #followings = new Set<Following>();
  #followed: Promise<Result<null>> | null = null;

  constructor(options: FollowedTopicOptions) {
    this.#options = options;
  }

  get isUnused(): boolean {
    return this.#followings.size === 0;
  }

  /** Returns the end of the subscription. */
  subscribe(subscriber: Subscriber, after: string | null): () => void {
    const following = new Following(subscriber, after);
    this.#followings.add(following);
    void this.#open(following);
    return () => void this.#followings.delete(following);
  }

  arrived(stored: StoredMessage): void {
    const message = { ...stored, frame: null, event: null };
    for (const following of this.#followings) this.#deliver(following, message);
  }

  missed(): void {
    for (const { subscriber } of this.#followings) subscriber.gap(this.#options.name);
  }

  #deliver(following: Following, message: TopicMessage): void {
    if (following.waiting !== null) return void following.waiting.push(message);
    if (following.read !== null) {
      if (!isAfter(message, following.read)) return;
      following.read = null;
    }
    following.subscriber.message(this.#options.name, message);
  }

  async #open(following: Following): Promise<void> {
    const { key, store, history } = this.#options;
    const followed = await (this.#followed ??= store.follow(key, history));
    if (!followed.ok) this.#followed = null;
    const reading = followed.ok ? await store.read(key, following.after, history) : followed;
    if (!this.#followings.has(following)) return;
    if (reading.ok) this.#begin(following, reading.value);
    else {
      this.#followings.delete(following);
      following.subscriber.failed(this.#options.name, reading.error);
    }
  }

  #begin(following: Following, { last, isWhole, messages }: Reading): void {
    const { name } = this.#options;
    const { subscriber, waiting } = following;
    following.waiting = null;
    subscriber.opened(name, following.after ?? last, isWhole);
    for (const stored of messages) subscriber.message(name, { ...stored, frame: null, event: null });
    following.read = parseMessageId(last);
    for (const message of waiting ?? []) this.#deliver(following, message);
  }
}

function isAfter({ id }: TopicMessage, last: MessageId): boolean {
  const own = parseMessageId(id);
  return own === null || compareIds(own, last) > 0;
}
