// The names of topics, and those that a request names.
import { err, ok, type Result } from '#lib/result.ts';
import type { Exchange } from '../../exchange/exchange.ts';

const FORM = /^[A-Za-z0-9][A-Za-z0-9._~:@-]*(?:\/[A-Za-z0-9._~:@-]+)*$/;
const MAX_NAME = 200;

export function isTopicName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= MAX_NAME && FORM.test(text);
}

/** The topics in the query: each `topic` once. The error: one of them is not a name. */
export function queryTopics({ query }: Exchange): Result<readonly string[]> {
  const named = [...new Set(new URLSearchParams(query).getAll('topic'))];
  return named.every(isTopicName) ? ok(named) : err('a topic of the query is not a name');
}

/** Those of the query, or else the path after the prefix of the rule. */
export function requestTopics(exchange: Exchange): Result<readonly string[]> {
  const named = queryTopics(exchange);
  if (!named.ok || named.value.length > 0) return named;
  const rest = exchange.path.slice(exchange.prefixLength).replace(/^\//, '');
  return isTopicName(rest) ? ok([rest]) : err('the path is not the name of a topic');
}
