// The id of a request: from a policy, or, without one, the header X-Request-ID of the client.
import type { Exchange } from './exchange.ts';
import { getHeader } from './headers.ts';

export const REQUEST_ID_HEADER = 'x-request-id';

/** How requests get ids. */
export interface RequestIdPlan {
  /** Lower case. */
  readonly header: string;
  /** The id of a client is kept if it is a valid one. */
  readonly trustIncoming: boolean;
  /** Answers have the header too. */
  readonly echo: boolean;
}

/** '' without one. Without a policy it is a text that a client chose. */
export function requestIdOf({ requestId, requestHeaders }: Exchange): string {
  return requestId === '' ? (getHeader(requestHeaders, REQUEST_ID_HEADER) ?? '') : requestId;
}
