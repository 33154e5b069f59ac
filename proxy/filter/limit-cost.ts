// The units that an answer takes of a limit.
import type { Exchange } from '../exchange/exchange.ts';
import { getHeader } from '../exchange/headers.ts';
import type { LimitSettings } from '#api/policy/rate-limits.ts';

type Answer = NonNullable<LimitSettings['answer']>;

/** A backend cannot take more with one answer. */
const MOST = 1_000_000_000;

export function answerCost({ statuses, cost, header, bytes }: Answer, exchange: Exchange): number {
  if (statuses !== undefined && !statuses.some((range) => includes(range, exchange.status))) return 0;
  const fixed = cost ?? (header === undefined && bytes === undefined ? 1 : 0);
  const named = header === undefined ? 0 : numberIn(getHeader(exchange.responseHeaders, header.toLowerCase()));
  return fixed + named + (bytes === undefined ? 0 : Math.ceil(exchange.responseBytes / bytes));
}

function includes(range: number | string, status: number): boolean {
  const [first = '', last = first] = String(range).split('-');
  return Number(first) <= status && status <= Number(last);
}

function numberIn(text: string | null): number {
  return text !== null && /^\d{1,12}$/.test(text) ? Math.min(MOST, Number(text)) : 0;
}
