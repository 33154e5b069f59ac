// The keys of stored answers. A key has everything that the answer may depend on, and its parts cannot run into each other: none of them
// contains the line feed between them.
import type { PolicySettings } from '#api/policy/settings.ts';
import { cookieValue } from '../../exchange/cookies.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { joinHeader } from '../../exchange/headers.ts';
import type { SecondLevel } from '../../cache/second-level.ts';
import type { SharedCache } from '../../cache/shared-cache.ts';
import type { AnswerPlace } from '../../cache/stored-answer.ts';

export type CacheSettings = NonNullable<PolicySettings<'HTTPPolicy'>['cache']>;

/** The level behind the memory of the worker; null: none. */
export function levelOf(cache: SharedCache, store: CacheSettings['store']): SecondLevel | null {
  return store === 'Redis' ? cache.secondLevel() : null;
}

type KeySettings = NonNullable<CacheSettings['key']>;

export class CacheKey {
  readonly #included: ReadonlySet<string> | null;
  readonly #excluded: ReadonlySet<string> | null;
  readonly #headers: readonly string[];
  readonly #cookies: readonly string[];
  readonly #isPrincipals: boolean;

  constructor({ includeQuery, excludeQuery, headers = [], cookies = [], principal }: KeySettings) {
    this.#included = includeQuery === undefined ? null : new Set(includeQuery);
    this.#excluded = excludeQuery === undefined ? null : new Set(excludeQuery);
    this.#headers = headers.map((name) => name.toLowerCase());
    this.#cookies = cookies;
    this.#isPrincipals = principal === 'Own';
  }

  /** The place of the answer to a request: what the client asks for, and what the filters of the rule have made of it. */
  of(exchange: Exchange): AnswerPlace {
    const { authority, path, requestedAuthority, requestedPath } = exchange;
    const url = `${exchange.scheme}://${requestedAuthority.toLowerCase()}${requestedPath}${this.#query(exchange)}`;
    const rule = exchange.route?.key ?? '';
    const sent = path === requestedPath && authority === requestedAuthority ? '' : `${authority.toLowerCase()}${path}`;
    return { url, key: `${rule}\n${url}\n${sent}${this.#more(exchange)}` };
  }

  #query({ query, hasQuery }: Exchange): string {
    if (!hasQuery) return '';
    if (this.#included === null && this.#excluded === null) return `?${query}`;
    const kept = query.split('&').filter((pair) => this.#keeps(pair.split('=', 1)[0] as string));
    return kept.length === 0 ? '' : `?${kept.join('&')}`;
  }

  #keeps(name: string): boolean {
    return (this.#included === null || this.#included.has(name)) && this.#excluded?.has(name) !== true;
  }

  #more({ requestHeaders, principal }: Exchange): string {
    let more = '';
    for (const name of this.#headers) more += `\n${present(joinHeader(requestHeaders, name))}`;
    for (const name of this.#cookies) more += `\n${present(cookieValue(requestHeaders, name))}`;
    if (this.#isPrincipals && principal !== null)
      more += `\n${principal.method} ${principal.consumer} ${principal.id.replaceAll('\n', '\n\n')}`;
    return more;
  }
}

/** An absent value differs from an empty one. */
function present(value: string | null): string {
  return value === null ? '-' : `=${value}`;
}
