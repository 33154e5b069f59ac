// Topics: named sequences of messages that clients publish and subscribe to. Implemented by hub/.
import type { Result } from '#lib/result.ts';

/** Where topics are: in the workers of this proxy, or in Redis for all proxies. */
export type TopicPlace = 'Memory' | 'Redis';

/** How much of each topic is kept for those who come back. */
export interface HistoryTerms {
  /** The last messages. */
  readonly messages: number;
  /** Milliseconds. */
  readonly age: number;
}

/** The topics of one name. */
export interface HubTerms {
  /** `<namespace>/<name>`. */
  readonly name: string;
  readonly place: TopicPlace;
  readonly history: HistoryTerms;
}

/** One message: the same object for all subscribers of a worker. */
export interface TopicMessage {
  /** Grows within the topic. */
  readonly id: string;
  /** JSON without line breaks. */
  readonly data: string;
  /** Its bytes as a frame and as an event, made by the first that sends it so. */
  frame: Buffer | null;
  event: Buffer | null;
}

/** A member of a topic. */
export interface TopicMember {
  /** Unique among all proxies. */
  readonly id: string;
  /** The caller; '' without one. */
  readonly name: string;
}

/** Gets what happens in the topics that it is subscribed to. */
export interface Subscriber {
  /**
   * The subscription begins after the message `last`; the missed messages follow at once, then others. `isWhole` false: messages after the
   * wanted one may be gone.
   */
  opened(topic: string, last: string, isWhole: boolean): void;
  message(topic: string, message: TopicMessage): void;
  /** Messages before the next one may be lost. */
  gap(topic: string): void;
  /** The subscription has not begun, and does not; the reason completes "the topic cannot be followed: ...". */
  failed(topic: string, reason: string): void;
}

/** Ends a subscription. */
export type Unsubscribe = () => void;

/** The topics of one hub. */
export interface HubTopics {
  /** Resolves to the id of the message. */
  publish(topic: string, data: string): Promise<Result<string>>;
  /** `after`: the last message that the subscriber has; null: it wants new ones only. */
  subscribe(topic: string, subscriber: Subscriber, after: string | null): Unsubscribe;
  /** Subscribes to the news about the members of a topic: messages whose data is JSON with `type` (joined, left), `member` and `name`. */
  watchMembers(topic: string, subscriber: Subscriber): Unsubscribe;
  /** The member is in the topic until it leaves, or its worker ends. */
  enter(topic: string, member: TopicMember): void;
  leave(topic: string, member: TopicMember): void;
  /** The names of the members, each once, and the number of members. */
  presence(topic: string): Promise<Result<{ readonly names: readonly string[]; readonly count: number }>>;
}

export interface Topics {
  hub(terms: HubTerms): HubTopics;
}
