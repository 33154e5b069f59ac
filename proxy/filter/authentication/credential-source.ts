// The places of a request where a credential may be: a header, a query parameter, a cookie.
import { headerValue, queryValue } from '#api/match/predicate.ts';
import { cookieValue, removeCookie } from '../../exchange/cookies.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { removeHeader } from '../../exchange/headers.ts';

/** A place as a policy names it; exactly one of the names is set. */
export interface SourceSettings {
  readonly header?: string;
  readonly query?: string;
  readonly cookie?: string;
  /** For a header: the text before the credential, without regard to case; a value without it is no credential. */
  readonly prefix?: string;
}

/** One place. */
export interface CredentialSource {
  /** The credential, or null. Several lines of a header are one value with commas, which no credential has. */
  read(exchange: Exchange): string | null;
  /** Removes it from the request. */
  remove(exchange: Exchange): void;
}

/** The places in the order of the list. */
export function credentialSources(settings: readonly SourceSettings[]): readonly CredentialSource[] {
  return settings.map(({ header, query, cookie, prefix = '' }) => {
    if (header !== undefined) return headerSource(header.toLowerCase(), prefix);
    return cookie === undefined ? querySource(query ?? '') : cookieSource(cookie);
  });
}

/** The first credential in one of the places, or null. */
export function readCredential(sources: readonly CredentialSource[], exchange: Exchange): string | null {
  for (let i = 0; i < sources.length; i++) {
    const value = (sources[i] as CredentialSource).read(exchange);
    if (value !== null) return value;
  }
  return null;
}

function headerSource(name: string, prefix: string): CredentialSource {
  const start = prefix.toLowerCase();
  return {
    read: ({ requestHeaders }) => {
      const value = headerValue(requestHeaders, name);
      if (value === null || start === '') return value;
      return value.slice(0, start.length).toLowerCase() === start ? value.slice(start.length).trimStart() : null;
    },
    remove: ({ requestHeaders }) => removeHeader(requestHeaders, name),
  };
}

function cookieSource(name: string): CredentialSource {
  return {
    read: ({ requestHeaders }) => cookieValue(requestHeaders, name),
    remove: ({ requestHeaders }) => removeCookie(requestHeaders, name),
  };
}

function querySource(name: string): CredentialSource {
  return {
    read: ({ query }) => queryValue(query, name),
    remove: (exchange) => removeQueryParameter(exchange, name),
  };
}

/** Removes each parameter with the name. */
export function removeQueryParameter(exchange: Exchange, name: string): void {
  exchange.query = exchange.query
    .split('&')
    .filter((part) => !isNamed(part, name))
    .join('&');
  exchange.hasQuery = exchange.query !== '';
}

/** Compares the decoded name, as the reader does: no spelling of it stays. */
function isNamed(part: string, name: string): boolean {
  return [...new URLSearchParams(part).keys()].includes(name);
}
