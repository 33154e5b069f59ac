// The topics of a proxy in memory: each has one order for all its workers. With several workers it is in the supervisor.
import { randomBytes } from 'node:crypto';
import type { HistoryTerms, TopicMember } from '../exchange/topics.ts';
import { NEWS_HISTORY, newsOf, newsTopic } from './member-news.ts';
import { TopicLog } from './topic-log.ts';
import type { Reading, StoredMessage } from './topic-store.ts';

/** A worker, which gets the messages of the topics that it follows. */
export interface TopicReader {
  arrived(topic: string, message: StoredMessage): void;
}

interface Topic {
  readonly log: TopicLog;
  readonly readers: Set<TopicReader>;
  readonly members: Map<string, { readonly member: TopicMember; readonly reader: TopicReader }>;
}

/** Topics without readers are looked at so often, milliseconds. */
const SWEEP_EVERY_MS = 10_000;

export class TopicMemory {
  readonly #topics = new Map<string, Topic>();
  readonly #mark = randomBytes(4).toString('hex');
  /** Since then no topic was forgotten: an older message may be gone. */
  #completeSince = Date.now();
  readonly #timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();

  /** The id of the message. */
  publish(name: string, data: string, history: HistoryTerms): string {
    const { log, readers } = this.#topic(name);
    const message = log.add(data, Date.now(), history);
    for (const reader of readers) reader.arrived(name, message);
    return message.id;
  }

  read(name: string, after: string | null, history: HistoryTerms): Reading {
    return this.#topic(name).log.read(after, Date.now(), history);
  }

  follow(name: string, reader: TopicReader): void {
    this.#topic(name).readers.add(reader);
  }

  unfollow(name: string, reader: TopicReader): void {
    this.#topics.get(name)?.readers.delete(reader);
  }

  enter(name: string, member: TopicMember, reader: TopicReader): void {
    this.#topic(name).members.set(member.id, { member, reader });
  }

  leave(name: string, id: string): void {
    this.#topics.get(name)?.members.delete(id);
  }

  members(name: string): readonly TopicMember[] {
    return Array.from(this.#topics.get(name)?.members.values() ?? [], ({ member }) => member);
  }

  /** A worker has ended. */
  drop(gone: TopicReader): void {
    for (const [topic, { readers, members }] of this.#topics) {
      readers.delete(gone);
      for (const [id, { member, reader }] of members) {
        if (reader !== gone) continue;
        members.delete(id);
        this.publish(newsTopic(topic), newsOf('left', member), NEWS_HISTORY);
      }
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = { log: new TopicLog(this.#mark, this.#completeSince), readers: new Set(), members: new Map() };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #sweep(): void {
    const now = Date.now();
    for (const [name, { log, readers, members }] of this.#topics) {
      if (readers.size > 0 || members.size > 0 || log.expiresAt >= now) continue;
      this.#topics.delete(name);
      this.#completeSince = now;
    }
  }
}
