// A preflight that no CORS may answer: the browser that asked lets the page send nothing.
import { reply } from '../exchange/local-reply.ts';
import type { RequestFilter } from '../exchange/plan.ts';

/** Answers without a word of CORS, which a cache must not take for the answer to another origin. */
export const refusedPreflight: RequestFilter = Object.freeze({
  name: 'CORS',
  request(exchange) {
    reply(exchange, 204, ['vary', 'origin'], null);
    return 'answered';
  },
} satisfies RequestFilter);
