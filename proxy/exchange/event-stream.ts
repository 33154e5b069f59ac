// Streams of server-sent events (HTML standard, section 9.2) among answers.
import type { Exchange } from './exchange.ts';
import { getHeader } from './headers.ts';

const TYPE = 'text/event-stream';

/** Whether the answer is a stream of events. */
export function isEventStream({ responseHeaders }: Exchange): boolean {
  const type = getHeader(responseHeaders, 'content-type');
  if (type === null || type.length < TYPE.length || type.slice(0, TYPE.length).toLowerCase() !== TYPE) return false;
  return type.length === TYPE.length || /^[ \t]*;/.test(type.slice(TYPE.length));
}
