// The store of a worker that has the topics of its proxy itself.
import { ok, type Result } from '#lib/result.ts';
import type { HistoryTerms, TopicMember } from '../exchange/topics.ts';
import { TopicMemory, type TopicReader } from './topic-memory.ts';
import type { Reading, StoreListener, TopicStore } from './topic-store.ts';

export class MemoryStore implements TopicStore {
  readonly #memory = new TopicMemory();
  readonly #reader: TopicReader;

  constructor(listener: StoreListener) {
    this.#reader = listener;
  }

  publish(topic: string, data: string, history: HistoryTerms): Promise<Result<string>> {
    return Promise.resolve(ok(this.#memory.publish(topic, data, history)));
  }

  read(topic: string, after: string | null, history: HistoryTerms): Promise<Result<Reading>> {
    return Promise.resolve(ok(this.#memory.read(topic, after, history)));
  }

  follow(topic: string): Promise<Result<null>> {
    this.#memory.follow(topic, this.#reader);
    return Promise.resolve(ok(null));
  }

  unfollow(topic: string): void {
    this.#memory.unfollow(topic, this.#reader);
  }

  enter(topic: string, member: TopicMember): void {
    this.#memory.enter(topic, member, this.#reader);
  }

  leave(topic: string, { id }: TopicMember): void {
    this.#memory.leave(topic, id);
  }

  members(topic: string): Promise<Result<readonly TopicMember[]>> {
    return Promise.resolve(ok(this.#memory.members(topic)));
  }

  close(): void {
    this.#memory.close();
  }
}
