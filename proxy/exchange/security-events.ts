// Security events: refusals and changes that operators and their tools look for. Filters tell them; the security log has a line for each.
// The names are stable: a tool may depend on them.
import type { Exchange } from './exchange.ts';

/**
 * The lines of an event: one `each` time, or one in an interval for the same `route` or `source` (with the same policy and reason), because
 * it says no more the second time and a client can cause it at no cost.
 */
export type EventLines = 'each' | 'route' | 'source';

function event(lines: EventLines, meaning: string): { readonly lines: EventLines; readonly meaning: string } {
  return Object.freeze({ lines, meaning });
}

/** All events; docs/reference/security-events.md lists the same names, and a test compares them. */
export const SECURITY_EVENTS = Object.freeze({
  authentication_failed: event('each', 'Credentials are wrong, expired or not allowed'),
  authentication_unavailable: event('route', 'Credentials cannot be verified now, so the request is refused'),
  access_denied: event('each', 'A rule refuses the caller, or its credential does not allow the request'),
  dry_run_denied: event('each', 'A rule in dry-run would refuse the caller'),
  csrf_refused: event('each', 'A request comes from a page of another site'),
  body_refused: event('source', 'The body of a request is too large, or its JSON is malformed or beyond a limit'),
  path_refused: event('source', 'A policy makes a path with dot segments, or one that is too long, of that of a request'),
  document_refused: event('source', 'A request does not fit the OpenAPI document of its route, and is refused'),
  document_reported: event('source', 'A request does not fit the OpenAPI document of its route, and passes'),
  answer_refused: event('route', 'An answer does not fit the OpenAPI document of its route, and is refused'),
  answer_reported: event('route', 'An answer does not fit the OpenAPI document of its route, and passes'),
  rate_limited: event('source', 'The caller is beyond a limit'),
  limit_unavailable: event('route', 'Requests cannot be counted now, and the limit refuses them then'),
  limit_reset: event('each', 'An operator has reset a limit, or the key that `source` names'),
  source_blocked: event(
    'each',
    'A source is blocked, by threat detection or by an operator; its requests are refused without further events',
  ),
  source_released: event('each', 'A block ends: its time is over, an operator ends it, or a newer block takes its place'),
  threat_suspected: event('each', 'A source behaves like an attack, and its policy only logs that'),
  policy_unresolved: event('route', 'A policy that protects the route cannot be applied, so the request is refused'),
  processing_failed: event('route', 'An extension of the route fails, so the request is refused'),
  plugin_stopped: event('each', 'A plugin is stopped because it takes more time or memory than it may'),
  credential_revoked: event('each', 'A connection or session ends because its credential is no longer valid'),
  connection_closed: event('each', 'An operator closes a WebSocket, another tunnel or a stream of events'),
  session_started: event('each', 'A user has logged in'),
  session_ended: event('each', 'A session of a user has ended'),
});

export type SecurityEventName = keyof typeof SECURITY_EVENTS;

/** What an event says besides its exchange. Never a credential, nor a part of one. */
export interface SecurityEventFields {
  /** A few words that are the same for the same cause. */
  readonly reason?: string;
  /** `<Kind>/<namespace>/<name>`. */
  readonly policy?: string;
  /** The name of the rule, limit or authenticator in the policy. */
  readonly rule?: string;
  /** The caller, if `exchange.principal` does not have it. */
  readonly principal?: string;
  readonly consumer?: string;
  /** The source, if it is not the client address: a range, a principal. */
  readonly source?: string;
  /** The proxy that has blocked a source first, if it is another one. */
  readonly origin?: string;
  /** The end of a block, ISO 8601. */
  readonly until?: string;
  /** All signs of a threat together, in percent of their numbers. */
  readonly score?: number;
  /** The words of an operator. */
  readonly note?: string;
}

/** Takes security events. It never waits, and never throws. */
export interface SecurityEvents {
  /** `exchange`: null if the event belongs to none. */
  emit(name: SecurityEventName, exchange: Exchange | null, fields: SecurityEventFields): void;
}
