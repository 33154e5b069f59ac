// A client of a hub that is told which members of a topic come and go.
import type { Subscriber, TopicMessage } from '../../exchange/topics.ts';
import type { Membership } from './membership.ts';

/** Sends to the client. */
export interface MemberWatcher {
  /** `message`: the data is JSON with type, member and name. */
  news(topic: string, message: TopicMessage): void;
  /** News before the next ones may be lost. */
  gap(topic: string): void;
  /** There are no news; the reason completes "the topic cannot be followed: ...". */
  unwatched(topic: string, reason: string): void;
}

export class MemberWatch implements Subscriber {
  readonly #membership: Membership;
  readonly #watcher: MemberWatcher;

  constructor(membership: Membership, watcher: MemberWatcher) {
    this.#membership = membership;
    this.#watcher = watcher;
  }

  opened(): void {
    // The answer to `presence` has the members of the time before.
  }

  message(topic: string, message: TopicMessage): void {
    // Nothing about itself.
    if (!message.data.includes(this.#membership.member.id)) this.#watcher.news(topic, message);
  }

  gap(topic: string): void {
    this.#watcher.gap(topic);
  }

  failed(topic: string, reason: string): void {
    this.#watcher.unwatched(topic, reason);
  }
}
