// Whether a stored answer may be used for a request: at once, stale, or after the backend has confirmed it (RFC 9111 section 4, RFC 5861).
import type { Directives } from './directives.ts';
import { secondsOf } from './directives.ts';

/** What the decision needs of a stored answer. Seconds. */
export interface StoredTerms {
  readonly directives: Directives;
  readonly lifetime: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/**
 * `fresh`: as it is. `stale`: as it is, while the backend is asked. `allowed`: stale as the client wishes. `validate`: only after the backend
 * has confirmed it.
 */
export type Reuse = 'fresh' | 'stale' | 'allowed' | 'validate';

/** The use of a stored answer of an age for a request with these directives. */
export function reuseOf(stored: StoredTerms, age: number, request: Directives): Reuse {
  if (stored.directives.has('no-cache') || request.has('no-cache')) return 'validate';
  if (age > (secondsOf(request, 'max-age') ?? age)) return 'validate';
  const left = stored.lifetime - age;
  if (left > (secondsOf(request, 'min-fresh') ?? 0)) return 'fresh';
  return left > 0 ? 'validate' : staleUse(stored, -left, request);
}

function staleUse({ directives, staleWhileRevalidate }: StoredTerms, staleness: number, request: Directives): Reuse {
  if (forbidsStale(directives)) return 'validate';
  if (acceptsStale(request, staleness)) return 'allowed';
  return staleness < staleWhileRevalidate && !request.has('max-age') ? 'stale' : 'validate';
}

/** Whether it may answer a request that the backend cannot answer (RFC 5861 section 4). */
export function mayReplaceError(stored: StoredTerms, age: number, request: Directives): boolean {
  if (stored.directives.has('no-cache') || forbidsStale(stored.directives) || request.has('no-cache')) return false;
  const allowed = Math.max(stored.staleIfError, secondsOf(request, 'stale-if-error') ?? 0);
  return allowed > 0 && age - stored.lifetime <= allowed;
}

/** Section 4.2.4. s-maxage includes proxy-revalidate (section 5.2.2.10), unless the answer says how long it may be stale. */
function forbidsStale(directives: Directives): boolean {
  if (directives.has('must-revalidate') || directives.has('proxy-revalidate')) return true;
  return directives.has('s-maxage') && !directives.has('stale-while-revalidate') && !directives.has('stale-if-error');
}

/** max-stale without a value accepts any age (section 5.2.1.2). */
function acceptsStale(request: Directives, staleness: number): boolean {
  if (!request.has('max-stale')) return false;
  return request.get('max-stale') === null || staleness <= (secondsOf(request, 'max-stale') ?? 0);
}
