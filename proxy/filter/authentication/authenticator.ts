// The interface of authenticators: each recognises one kind of credential.
import type { Exchange } from '../../exchange/exchange.ts';
import type { FoundConsumer } from '../../exchange/consumers.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Principal } from '../../exchange/principal.ts';

/** The result of an authenticator. */
export type Outcome =
  | {
      readonly type: 'authenticated';
      readonly principal: Principal;
      /** The credential of a consumer, if that is what was verified: for streams that outlive the check. */
      readonly credential: FoundConsumer | null;
      /** Change the request that goes on, after the credentials are removed from it. Absent: nothing to change. */
      readonly admit?: readonly ((exchange: Exchange) => void)[];
      /** Tell when a credential that is no consumer's does not hold any more. Absent: nothing tells. */
      readonly watches?: readonly Watch[];
      /** Tell when the session of the user ends. Absent: there is none. */
      readonly sessions?: readonly Watch[];
    }
  /** The request has no credential of this kind. */
  | { readonly type: 'absent' }
  /** The credential is wrong. `reason` is for the security log, in a few words, without parts of the credential. */
  | {
      readonly type: 'refused';
      readonly reason: string;
      /** The value of WWW-Authenticate with the error, in place of those of the same scheme; '' for none. */
      readonly challenge: string;
      /** Sets the answer. Absent: 401 with the challenges. */
      readonly answer?: (exchange: Exchange) => FilterVerdict;
    }
  /** The credential is right, and does not allow this request. `challenge`: the value of WWW-Authenticate that tells what is missing. */
  | { readonly type: 'insufficient'; readonly reason: string; readonly challenge: string }
  /** The credential cannot be verified now: a service or a key is not available. */
  | { readonly type: 'unavailable'; readonly reason: string }
  /** The authenticator has set the answer: a redirect to a login page. */
  | { readonly type: 'answered' };

/** Calls the listener once the credential does not hold any more, until the result is called. */
export type Watch = (ended: () => void) => () => void;

export const ABSENT: Outcome = Object.freeze({ type: 'absent' });

/** `challenge`: the value of WWW-Authenticate with the error, in place of those of the same scheme. */
export function refused(reason: string, challenge = ''): Extract<Outcome, { type: 'refused' }> {
  return { type: 'refused', reason, challenge };
}

export function unavailable(reason: string): Extract<Outcome, { type: 'unavailable' }> {
  return { type: 'unavailable', reason };
}

/** Recognises one kind of credential. */
export interface Authenticator {
  readonly name: string;
  /** The value of WWW-Authenticate that asks for this kind of credential (RFC 9110 section 11.6.1); '' if there is none. */
  readonly challenge: string;
  /** Reads and verifies the credential. It changes nothing of the request. */
  authenticate(exchange: Exchange): Outcome | Promise<Outcome>;
  /** Removes the credential of a request that goes on, unless the backend is to get it. Of every authenticator of the tree. */
  strip(exchange: Exchange): void;
  /** How long it may take, milliseconds; absent: no longer than any filter. */
  readonly timeout?: number;
  /** Changes the head of an answer, also of one to a request that it has not seen: a session that was refreshed. */
  response?(exchange: Exchange): void;
  /** Releases timers and subscriptions. */
  dispose?(): void;
}
