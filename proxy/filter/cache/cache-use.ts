// What the cache does with one exchange: kept from its request half to its response half.
import type { ForwardReason } from '../../cache/cache-status.ts';
import type { Directives } from '../../cache/directives.ts';
import type { Flight, FlightOutcome } from '../../cache/flight.ts';
import type { FreshnessTerms } from '../../cache/freshness.ts';
import type { StoringRequest } from '../../cache/shared-cache.ts';
import type { AnswerPlace, StoredAnswer } from '../../cache/stored-answer.ts';
import { Slot } from '../../exchange/slot.ts';

/** The settings of a policy that answers depend on. */
export interface StorageTerms extends FreshnessTerms {
  /** Bytes. */
  readonly maxBodySize: number;
}

/** A request that the cache sees. */
export interface CacheRequest extends AnswerPlace, StoringRequest {
  readonly method: string;
  readonly hasCredentials: boolean;
  readonly directives: Directives;
  /** As the client sent them: the cache changes those that go to the backend. */
  readonly headers: readonly string[];
  readonly terms: StorageTerms;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
}

/** The key of requests that wait for each other. */
export function flightKeyOf({ key, hasCredentials }: CacheRequest): string {
  return `${key}\n${hasCredentials ? 'personal' : 'any'}`;
}

/**
 * `answered`: out of the store. `follows`: it reads the answer to another request. `passes`: it goes to the backend for itself. `leads`: its
 * answer is for others too; `stored` is the answer that the backend may confirm.
 */
export type CacheUse =
  | { readonly type: 'answered' }
  | { readonly type: 'follows'; readonly outcome: Extract<FlightOutcome, { type: 'answer' }> }
  | { readonly type: 'passes'; readonly reason: ForwardReason; readonly request: CacheRequest }
  | {
      readonly type: 'leads';
      readonly reason: ForwardReason;
      readonly request: CacheRequest;
      readonly flight: Flight;
      readonly stored: StoredAnswer | null;
    };

export const CACHE_USE = new Slot<CacheUse>();
