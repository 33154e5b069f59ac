// The news about the members of a topic: messages of another topic beside it, so that every store carries them.
import type { HistoryTerms, TopicMember } from '../exchange/topics.ts';

/** Topics have no spaces, so that no client can name it. */
const SUFFIX = ' members';

/** So much of the news is kept for workers that lose the store for a moment. */
export const NEWS_HISTORY: HistoryTerms = Object.freeze({ messages: 100, age: 60_000 });

/** The topic of the news about a topic. */
export function newsTopic(topic: string): string {
  return `${topic}${SUFFIX}`;
}

/** The data of a message: what clients get, without the topic. */
export function newsOf(type: 'joined' | 'left', { id, name }: TopicMember): string {
  return JSON.stringify({ type, member: id, name });
}
