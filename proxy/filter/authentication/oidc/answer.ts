// Answers of the login itself: redirects, and what the provider sends back in the query.
import type { Exchange } from '../../../exchange/exchange.ts';
import { reply } from '../../../exchange/local-reply.ts';
import type { Outcome } from '../authenticator.ts';

/** What the provider sends back with the browser. */
export interface ProviderAnswer {
  readonly state: string;
  /** '' if the provider refuses the login. */
  readonly code: string;
  /** Null if the answer does not name its issuer. */
  readonly issuer: string | null;
}

/** Null for a query that is no answer, or has a parameter twice (RFC 6749 section 3.1). */
export function answerOf({ method, query }: Exchange): ProviderAnswer | null {
  if (method !== 'GET') return null;
  const parameters = new URLSearchParams(query);
  const [states, codes, issuers] = [parameters.getAll('state'), parameters.getAll('code'), parameters.getAll('iss')];
  const [state = ''] = states;
  if (state === '' || states.length > 1 || codes.length > 1 || issuers.length > 1) return null;
  return { state, code: parameters.has('error') ? '' : (codes[0] ?? ''), issuer: issuers[0] ?? null };
}

/** Sends the browser to another page; no cache keeps the answer. */
export function redirect(exchange: Exchange, location: string, cookies: readonly string[]): Outcome {
  return answer(exchange, 302, ['location', location, 'referrer-policy', 'no-referrer'], cookies);
}

/** An answer without a body. An exchange that is over stays as it is. */
export function answer(exchange: Exchange, status: number, headers: readonly string[], cookies: readonly string[] = []): Outcome {
  if (exchange.phase === 'request') {
    const own = cookies.flatMap((cookie) => ['set-cookie', cookie]);
    reply(exchange, status, [...headers, 'cache-control', 'no-store', ...own], null);
  }
  return { type: 'answered' };
}
