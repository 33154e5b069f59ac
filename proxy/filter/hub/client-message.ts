// The messages of clients in the protocol `weir.hub.v1`: JSON objects with a `type`.
import { err, ok, type Result } from '#lib/result.ts';
import { isTopicName } from './topic-name.ts';

/** The mark of a message by which the client knows the answer. */
export type Mark = string | number | undefined;

export type ClientMessage =
  | { readonly type: 'subscribe'; readonly topic: string; readonly after: string | null; readonly presence: boolean; readonly ref: Mark }
  | { readonly type: 'unsubscribe'; readonly topic: string; readonly ref: Mark }
  | { readonly type: 'publish'; readonly topic: string; readonly data: string; readonly ref: Mark }
  | { readonly type: 'presence'; readonly topic: string; readonly ref: Mark }
  | { readonly type: 'ping'; readonly ref: Mark };

/** What is wrong with a message; the mark of it if it can be read. */
export interface MessageFault {
  readonly text: string;
  readonly ref: Mark;
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_MARK = 64;
const WITH_TOPIC: ReadonlySet<unknown> = new Set(['subscribe', 'unsubscribe', 'publish', 'presence']);

export function parseClientMessage(text: string): Result<ClientMessage, MessageFault> {
  const fields = fieldsOf(text);
  if (fields === null) return fault('the message is not a JSON object');
  const ref = markOf(fields['ref']);
  if (ref === null) return fault(`ref is not a number or a text of at most ${MAX_MARK} characters`);
  const { type, topic } = fields;
  if (type === 'ping') return ok({ type, ref });
  if (!WITH_TOPIC.has(type)) return fault('type is not subscribe, unsubscribe, publish, presence or ping', ref);
  if (!isTopicName(topic)) return fault('topic is not the name of a topic', ref);
  return ofTopic(type as string, topic, fields, ref);
}

function ofTopic(type: string, topic: string, { data, after, presence = false }: Fields, ref: Mark): Result<ClientMessage, MessageFault> {
  if (type === 'publish') {
    return data === undefined ? fault('data is missing', ref) : ok({ type, topic, data: JSON.stringify(data), ref });
  }
  if (type !== 'subscribe') return ok({ type: type as 'unsubscribe' | 'presence', topic, ref });
  if (after !== undefined && after !== null && typeof after !== 'string') return fault('after is not the id of a message', ref);
  if (typeof presence !== 'boolean') return fault('presence is not true or false', ref);
  return ok({ type, topic, after: after ?? null, presence, ref });
}

function fieldsOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

/** Null: it is not a mark. */
function markOf(ref: unknown): Mark | null {
  if (ref === undefined || typeof ref === 'number') return ref;
  return typeof ref === 'string' && ref.length <= MAX_MARK ? ref : null;
}

function fault(text: string, ref?: Mark): Result<never, MessageFault> {
  return err({ text, ref });
}
