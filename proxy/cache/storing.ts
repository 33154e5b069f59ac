// Whether an answer may be stored for others, in this shared cache (RFC 9111 section 3).
import { hasHeader } from '../exchange/headers.ts';
import type { AnswerDirectives, Directives } from './directives.ts';
import { varyNames } from './vary.ts';

/** What the cache knows of a request when its answer comes. */
export interface RequestFacts {
  readonly method: string;
  /** It has credentials: its answer may be for its sender only. */
  readonly hasCredentials: boolean;
  readonly directives: Directives;
}

/** What the cache knows of an answer. */
export interface AnswerFacts extends AnswerDirectives {
  readonly status: number;
  readonly headers: readonly string[];
}

/**
 * The final statuses that the cache understands. Failures that a request can provoke (400, 413, 431), answers to a part (206) and news about
 * a stored answer (304) are not among them.
 */
const STORED_STATUSES = new Set([200, 203, 204, 300, 301, 302, 307, 308, 404, 410]);

/** Why an answer is not stored; null: it may be, if it also has a lifetime or a validator. */
export type StorageObstacle = 'method' | 'status' | 'no-store' | 'private' | 'credentials' | 'set-cookie' | 'vary';

export function storageObstacle(request: RequestFacts, answer: AnswerFacts): StorageObstacle | null {
  if (request.method !== 'GET') return 'method';
  if (!STORED_STATUSES.has(answer.status)) return 'status';
  return request.directives.has('no-store') ? 'no-store' : sharingObstacle(request, answer);
}

/** Why an answer is only for the request that it answers. */
export function sharingObstacle(
  request: Pick<RequestFacts, 'hasCredentials'>,
  { directives, headers, status }: AnswerFacts,
): StorageObstacle | null {
  // A cache that understands the status ignores the no-store that stands beside must-understand (section 5.2.2.3).
  const understands = directives.has('must-understand') && STORED_STATUSES.has(status);
  if (directives.has('no-store') && !understands) return 'no-store';
  // Also if it names fields only: none is taken out (section 5.2.2.7).
  if (directives.has('private')) return 'private';
  if (request.hasCredentials && !isForEveryone(directives)) return 'credentials';
  // A cookie is for one client, whatever the answer says.
  if (hasHeader(headers, 'set-cookie')) return 'set-cookie';
  return varyNames(headers) === null ? 'vary' : null;
}

/**
 * Whether an answer says that it is for all callers, also if its request had credentials (section 3.5). must-revalidate alone would be
 * enough for the RFC; but it does not say that the answer is the same for all.
 */
export function isForEveryone(directives: Directives): boolean {
  return directives.has('public') || directives.has('s-maxage');
}
