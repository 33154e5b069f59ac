// The answer of Redis to a reading of a topic.
import type { HistoryTerms } from '../exchange/topics.ts';
import { compareIds, parseMessageId, type MessageId } from './message-id.ts';
import type { Reading, StoredMessage } from './topic-store.ts';

/** The last id, the last id that is gone ('' for none), the time in ms, and the messages after `after`. */
export type RedisAnswer = readonly [last: string, floor: string, now: string, messages: readonly RedisMessage[]];
type RedisMessage = readonly [id: string, fields: readonly [field: string, data: string]];

/** `after` null: only the place. */
export function readingOf([last, floor, now, found]: RedisAnswer, after: string | null, { age }: HistoryTerms): Reading {
  if (after === null) return { last, isWhole: true, messages: [] };
  const from = parseMessageId(after);
  const oldest = Number(now) - age;
  const messages = found.map(([id, [, data]]): StoredMessage => ({ id, data }));
  const kept = messages.filter(({ id }) => (parseMessageId(id)?.ms ?? 0) >= oldest);
  return { last, isWhole: from !== null && isComplete(from, parseMessageId(floor), last, oldest), messages: kept };
}

/** Whether all messages after a place are there: the place is the last one, or it is within the history. */
function isComplete(from: MessageId, floor: MessageId | null, last: string, oldest: number): boolean {
  if (from.mark !== '') return false;
  const newest = parseMessageId(last);
  if (newest !== null && compareIds(from, newest) === 0) return true;
  return from.ms >= oldest && (floor === null || compareIds(from, floor) >= 0);
}
