// The key of a request for balancers that hash: some of its parts, as one hash.
import { headerValue, queryValue } from '#api/match/predicate.ts';
import { murmur } from '#lib/murmur.ts';
import { cookieValue } from '../exchange/cookies.ts';
import type { PickSubject } from '../exchange/plan.ts';
import { claimText, type Principal } from '../exchange/principal.ts';

/** One part of the key. Names of headers in lower case. */
export type HashKey =
  | { readonly from: 'header' | 'cookie' | 'query' | 'claim'; readonly name: string }
  | { readonly from: 'sourceIP' | 'principal' | 'consumer' };

/** Fixed, because all proxies and workers must find the same endpoint for a key. */
const SEED = 0x57656972;

/** Unsigned, 32 bits. A missing part counts as ''; random if all are missing, so that requests without a key spread over all endpoints. */
export function keyHash(keys: readonly HashKey[], subject: PickSubject): number {
  let hash = SEED;
  let isKnown = false;
  for (let i = 0; i < keys.length; i++) {
    const value = valueOf(keys[i] as HashKey, subject);
    if (value !== null) isKnown = true;
    hash = murmur(value ?? '', hash);
  }
  return isKnown ? hash : Math.floor(Math.random() * 2 ** 32);
}

function valueOf(key: HashKey, subject: PickSubject): string | null {
  const { clientAddress, requestHeaders, query, principal = null } = subject;
  switch (key.from) {
    case 'header':
      return headerValue(requestHeaders, key.name);
    case 'cookie':
      return cookieValue(requestHeaders, key.name);
    case 'query':
      return queryValue(query, key.name);
    case 'sourceIP':
      return clientAddress;
    default:
      return principal === null ? null : ofCaller(key, principal);
  }
}

function ofCaller(key: HashKey, caller: Principal): string | null {
  if (key.from === 'claim') return claimText(caller, key.name);
  if (key.from === 'principal') return `${caller.method} ${caller.id}`;
  return caller.consumer === '' ? null : caller.consumer;
}
