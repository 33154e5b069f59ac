// What the cache has to know of a request: whether its answer may be for its sender only, and whether the cache has to keep out of its way.
import type { ForwardReason } from '../../cache/cache-status.ts';
import type { Exchange } from '../../exchange/exchange.ts';

/** Headers with credentials that applications know, besides Cookie. */
const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'x-api-key', 'x-auth-token', 'x-access-token']);

/**
 * Headers by which frameworks serve another method, host or path than the request has: the answer to one with them is not that of its key.
 * Forwarded and its like are those of the proxy itself. Then conditions that the backend alone can evaluate (RFC 9111 section 4.3.2).
 */
const FOR_BACKEND = new Set([
  ...['x-http-method-override', 'x-http-method', 'x-method-override'],
  ...[
    'x-original-url',
    'x-rewrite-url',
    'x-original-uri',
    'x-forwarded-uri',
    'x-forwarded-path',
    'x-forwarded-prefix',
    'x-forwarded-server',
  ],
  ...['x-host', 'x-original-host', 'x-forwarded-scheme', 'x-forwarded-ssl', 'x-url-scheme', 'front-end-https'],
  ...['if-match', 'if-unmodified-since'],
]);

/** How a policy sees callers. */
export interface CallerTerms {
  /** Each authenticated caller has answers of its own. */
  readonly ownAnswers: boolean;
  /** Cookies beyond those of the key mean nothing. */
  readonly knowsCookies: boolean;
  /** A service decides about every request, and may tell the backend the caller. */
  readonly isAuthorized: boolean;
}

/** Whether the answer may be for its sender only. */
export function hasCredentials(exchange: Exchange, { ownAnswers, knowsCookies, isAuthorized }: CallerTerms): boolean {
  const { principal, requestHeaders, connection } = exchange;
  const isCaller = principal !== null && principal.method !== 'anonymous';
  if (isCaller && ownAnswers) return false;
  if (isCaller || isAuthorized || (connection.tls?.clientCertificate ?? null) !== null) return true;
  return sendsCredentials(requestHeaders, knowsCookies);
}

function sendsCredentials(headers: readonly string[], knowsCookies: boolean): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (CREDENTIALS.has(name) || (name === 'cookie' && !knowsCookies)) return true;
  }
  return false;
}

/** Why the request goes past the store; null: it does not. */
export function pastStore({ method, requestHeaders, requestLength }: Exchange): ForwardReason | null {
  if (method !== 'GET' && method !== 'HEAD') return 'method';
  if (requestLength !== 0) return 'bypass';
  for (let i = 0; i < requestHeaders.length; i += 2) if (FOR_BACKEND.has(requestHeaders[i] as string)) return 'bypass';
  return null;
}
