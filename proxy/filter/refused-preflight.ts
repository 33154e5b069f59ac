// The answer to a preflight that no CORS filter allows: the browser then sends nothing for the page.
import { reply } from '../exchange/local-reply.ts';
import type { RequestFilter } from '../exchange/plan.ts';

/** Answers without CORS headers; caches must not use the answer for other origins. */
export const refusedPreflight: RequestFilter = Object.freeze({
  name: 'CORS',
  request(exchange) {
    reply(exchange, 204, ['vary', 'origin'], null);
    return 'answered';
  },
} satisfies RequestFilter);
