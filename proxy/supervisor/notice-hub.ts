// The broadcast as the supervisor has it: passes the notices of each worker to all others, and keeps those that hold, for workers that
// start later.
import { FOR_ONE, FOR_SUPERVISOR, NoticeListeners } from '../exchange/notices.ts';
import type { Broadcast, Notice, NoticeListener, Notices, Topic } from '../exchange/notices.ts';

/** A worker, as the hub reaches it. */
export interface NoticeReader {
  notice(notice: Notice): void;
  /** Null: between two processes. */
  readonly pid?: number | null;
}

export class NoticeHub implements Broadcast {
  readonly #listeners = new NoticeListeners();
  readonly #readers = new Map<string, NoticeReader>();
  readonly #kept = new Map<Topic, Map<string, Notice>>();

  /** Adds a worker by its name. */
  join(name: string, reader: NoticeReader): void {
    this.#readers.set(name, reader);
  }

  /** The notices that hold, for a worker that starts. */
  *kept(): Iterable<Notice> {
    for (const notices of this.#kept.values()) yield* notices.values();
  }

  /** The values of a topic that hold, by key. */
  values<T extends Topic>(topic: T): ReadonlyMap<string, Notices[T]> {
    const notices = [...(this.#kept.get(topic)?.values() ?? [])];
    return new Map(notices.map(({ key, value }) => [key, value as Notices[T]]));
  }

  publish<T extends Topic>(topic: T, key: string, value: Notices[T] | null): void {
    this.#passOn({ topic, key, value } as Notice, '');
  }

  subscribe<T extends Topic>(topic: T, listener: NoticeListener<T>): void {
    this.#listeners.add(topic, listener);
  }

  /** A notice of a worker. */
  take(notice: Notice, from: string): void {
    if (!FOR_SUPERVISOR.has(notice.topic)) this.#passOn(notice, from);
    this.#listeners.tell(notice, from);
  }

  #passOn(notice: Notice, from: string): void {
    const { topic, key, value } = notice;
    if (FOR_ONE.has(topic)) return [...this.#readers.values()].find(({ pid }) => pid !== null)?.notice(notice);
    let kept = this.#kept.get(topic);
    if (kept === undefined) this.#kept.set(topic, (kept = new Map()));
    if (value === null) kept.delete(key);
    else kept.set(key, notice);
    for (const [name, reader] of this.#readers) if (name !== from) reader.notice(notice);
  }
}
