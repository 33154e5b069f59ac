// The topics of a proxy with several workers: they are in the supervisor, which a worker asks by messages. Both directions keep their order.
import { ok, type Result } from '#lib/result.ts';
import type { HistoryTerms, TopicMember } from '../exchange/topics.ts';
import type { TopicMemory, TopicReader } from './topic-memory.ts';
import type { Reading, StoredMessage, StoreListener, TopicStore } from './topic-store.ts';

/** A message of a worker. Those with an id are answered. */
export type TopicAsk =
  | { readonly type: 'publish'; readonly id: number; readonly topic: string; readonly data: string; readonly history: HistoryTerms }
  | { readonly type: 'read'; readonly id: number; readonly topic: string; readonly after: string | null; readonly history: HistoryTerms }
  | { readonly type: 'follow' | 'members'; readonly id: number; readonly topic: string }
  | { readonly type: 'unfollow'; readonly topic: string }
  | { readonly type: 'enter' | 'leave'; readonly topic: string; readonly member: TopicMember };

/** A message of the supervisor: the answer to an ask, or a message of a topic that the worker follows. */
export type TopicTold =
  | { readonly type: 'answer'; readonly id: number; readonly value: string | Reading | readonly TopicMember[] | null }
  | { readonly type: 'arrived'; readonly topic: string; readonly message: StoredMessage };

/** One worker, as the supervisor sees it. */
export class TopicDesk implements TopicReader {
  readonly #memory: TopicMemory;
  readonly #tell: (told: TopicTold) => void;

  constructor(memory: TopicMemory, tell: (told: TopicTold) => void) {
    this.#memory = memory;
    this.#tell = tell;
  }

  arrived(topic: string, message: StoredMessage): void {
    this.#tell({ type: 'arrived', topic, message });
  }

  take(ask: TopicAsk): void {
    const memory = this.#memory;
    switch (ask.type) {
      case 'publish':
        return this.#answer(ask.id, memory.publish(ask.topic, ask.data, ask.history));
      case 'read':
        return this.#answer(ask.id, memory.read(ask.topic, ask.after, ask.history));
      case 'follow':
        memory.follow(ask.topic, this);
        return this.#answer(ask.id, null);
      case 'members':
        return this.#answer(ask.id, memory.members(ask.topic));
      case 'unfollow':
        return memory.unfollow(ask.topic, this);
      case 'enter':
        return memory.enter(ask.topic, ask.member, this);
      default:
        return memory.leave(ask.topic, ask.member.id);
    }
  }

  /** The worker has ended. Its replacement begins anew. */
  drop(): void {
    this.#memory.drop(this);
  }

  #answer(id: number, value: Extract<TopicTold, { type: 'answer' }>['value']): void {
    this.#tell({ type: 'answer', id, value });
  }
}

/** The store of a worker whose topics are in the supervisor. */
export class SupervisedTopics implements TopicStore {
  readonly #ask: (ask: TopicAsk) => void;
  readonly #listener: StoreListener;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #nextId = 0;

  constructor(ask: (ask: TopicAsk) => void, listener: StoreListener) {
    this.#ask = ask;
    this.#listener = listener;
  }

  /** Takes a message of the supervisor. */
  told(told: TopicTold): void {
    if (told.type === 'arrived') return this.#listener.arrived(told.topic, told.message);
    this.#waiting.get(told.id)?.(told.value);
    this.#waiting.delete(told.id);
  }

  publish(topic: string, data: string, history: HistoryTerms): Promise<Result<string>> {
    return this.#answer((id) => ({ type: 'publish', id, topic, data, history }));
  }

  read(topic: string, after: string | null, history: HistoryTerms): Promise<Result<Reading>> {
    return this.#answer((id) => ({ type: 'read', id, topic, after, history }));
  }

  follow(topic: string): Promise<Result<null>> {
    return this.#answer((id) => ({ type: 'follow', id, topic }));
  }

  unfollow(topic: string): void {
    this.#ask({ type: 'unfollow', topic });
  }

  enter(topic: string, member: TopicMember): void {
    this.#ask({ type: 'enter', topic, member });
  }

  leave(topic: string, member: TopicMember): void {
    this.#ask({ type: 'leave', topic, member });
  }

  members(topic: string): Promise<Result<readonly TopicMember[]>> {
    return this.#answer((id) => ({ type: 'members', id, topic }));
  }

  close(): void {
    this.#waiting.clear();
  }

  #answer<T>(ask: (id: number) => TopicAsk): Promise<Result<T>> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, (value) => resolve(ok(value as T)));
      this.#ask(ask(id));
    });
  }
}
