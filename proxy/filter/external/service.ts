// What the two protocols of external services have in common: the question, and the headers of the request that the service gets.
import type { Exchange } from '../../exchange/exchange.ts';
import { withDashes } from '../../exchange/forwarded-names.ts';
import type { Ask } from '../../exchange/subrequest.ts';
import type { Decision } from './decision.ts';

/** The body of a request for the service. */
export interface QuestionBody {
  readonly bytes: Buffer;
  /** It is the beginning of a longer body. */
  readonly isPartial: boolean;
}

/** How to ask a service. Names of headers are lower case. */
export interface ServiceSettings {
  readonly cluster: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** The headers that the service gets; null: all of the request. */
  readonly headersToService: readonly string[] | null;
  /** The headers of a decision that the backend gets; null: all. */
  readonly headersToBackend: readonly string[] | null;
  /** Those that the client gets; null: those of the protocol. */
  readonly headersToClient: readonly string[] | null;
  /** The header of a decision with the name of the caller; '' without one. */
  readonly identityHeader: string;
}

/** A service, by its protocol. */
export interface Service {
  /** The question as it goes over the wire, without what is new in each: equal questions get equal decisions. */
  describe(exchange: Exchange): readonly string[];
  /** Resolves to the decision, or to none; never rejects. `signal`: absent if others wait for the same decision. */
  decide(exchange: Exchange, body: QuestionBody | null, signal?: AbortSignal): Promise<Decision>;
}

/** Makes a service. */
export type MakeService = (settings: ServiceSettings, ask: Ask) => Service;

/** The largest answer of a service. */
export const MAX_ANSWER_BYTES = 65_536;

/** Tells the service that it has only the beginning of the body, as Envoy does. */
export const PARTIAL_BODY = 'x-envoy-auth-partial-body';

/** The path and the query, as the backend gets them unless the route rewrites them. */
export function targetOf({ path, query, hasQuery }: Exchange): string {
  return hasQuery ? `${path}?${query}` : path;
}

/** The headers of a request that a service gets: what it decides itself it does not learn from the client. */
export class SentHeaders {
  readonly #names: ReadonlySet<string> | null;
  readonly #decided: ReadonlySet<string>;

  constructor({ headersToService, headersToBackend, identityHeader }: ServiceSettings) {
    this.#names = headersToService === null ? null : new Set(headersToService);
    this.#decided = new Set([...(headersToBackend ?? []), identityHeader].map(withDashes));
  }

  has(name: string): boolean {
    if (this.#names !== null && !this.#names.has(name)) return false;
    return !this.#decided.has(withDashes(name));
  }
}
