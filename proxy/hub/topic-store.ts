// The interface of the places that keep topics. A topic is `<namespace>/<name> <topic>`.
import type { Result } from '#lib/result.ts';
import type { HistoryTerms, TopicMember } from '../exchange/topics.ts';

/** A message as a store has it. */
export interface StoredMessage {
  readonly id: string;
  readonly data: string;
}

/** What a topic has after a message. */
export interface Reading {
  /** The id after which new messages come. */
  readonly last: string;
  /** Nothing after the wanted message is gone. */
  readonly isWhole: boolean;
  /** In their order. */
  readonly messages: readonly StoredMessage[];
}

/** Gets what happens in the topics that are followed. */
export interface StoreListener {
  arrived(topic: string, message: StoredMessage): void;
  /** Messages may have been missed. */
  missed(topic: string): void;
}

/** Calls resolve: an error completes "the topic cannot be followed: ...". Calls of one worker for one topic act in their order. */
export interface TopicStore {
  publish(topic: string, data: string, history: HistoryTerms): Promise<Result<string>>;
  /** `after` null: no messages, only the place in the topic. */
  read(topic: string, after: string | null, history: HistoryTerms): Promise<Result<Reading>>;
  /** Messages that are published after it resolves arrive at the listener. */
  follow(topic: string, history: HistoryTerms): Promise<Result<null>>;
  unfollow(topic: string): void;
  enter(topic: string, member: TopicMember): void;
  leave(topic: string, member: TopicMember): void;
  members(topic: string): Promise<Result<readonly TopicMember[]>>;
  close(): void;
}
