// The time that a caller gives a request: the grpc-timeout of a call, and the header that the plan names for it.
import { parseDuration } from '#lib/duration.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { BAD_DEADLINE, callTimeout, NO_DEADLINE } from '../exchange/grpc.ts';

const MILLISECONDS = /^\d{1,10}$/;

/** The shorter of the caller's timeouts in milliseconds; NO_DEADLINE without one, BAD_DEADLINE if one cannot be read. */
export function askedTimeout({ grpc, requestHeaders, route }: Exchange): number {
  const ofCall = grpc ? callTimeout(requestHeaders) : NO_DEADLINE;
  const name = route?.timeoutHeader ?? null;
  const ofHeader = name === null ? NO_DEADLINE : headerTimeout(requestHeaders, name);
  if (ofCall === BAD_DEADLINE || ofHeader === BAD_DEADLINE) return BAD_DEADLINE;
  if (ofCall === NO_DEADLINE) return ofHeader;
  return ofHeader === NO_DEADLINE ? ofCall : Math.min(ofCall, ofHeader);
}

/** Milliseconds as a number, or a duration with units; once, and more than 0. */
function headerTimeout(headers: readonly string[], name: string): number {
  let timeout = NO_DEADLINE;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    if (timeout !== NO_DEADLINE) return BAD_DEADLINE;
    timeout = parse(headers[i + 1] as string);
  }
  return timeout;
}

function parse(text: string): number {
  if (MILLISECONDS.test(text)) return Number(text) || BAD_DEADLINE;
  const duration = parseDuration(text);
  return duration.ok && duration.value > 0 ? duration.value : BAD_DEADLINE;
}
