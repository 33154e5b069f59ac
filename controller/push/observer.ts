// The events of sessions for the rest of the controller, and the state of a session.
import type { ResourceKind } from '#api/ir/ir.ts';

/** A mistake that a proxy found in a resource; part of a nack. */
export interface NackError {
  readonly field: string;
  readonly reason: string;
}

/**
 * Receives the events of sessions. `session` names one stream; a proxy that reconnects gets a new name. Calls come in the order of the
 * events, first `connected`, last `disconnected`.
 */
export interface PushObserver {
  /** `scope`: the resources that the proxy may read. */
  connected(session: string, scope: string): void;
  disconnected(session: string): void;
  /** The proxy serves this version: it has just accepted it, or held it when it connected. */
  acked(session: string, kind: ResourceKind, key: string, version: string): void;
  /** The proxy refuses this version and keeps the previous one, if any. */
  nacked(session: string, kind: ResourceKind, key: string, nack: { readonly version: string; readonly errors: readonly NackError[] }): void;
}

/** A resource that a proxy refuses. */
export interface Nack {
  readonly kind: ResourceKind;
  readonly key: string;
  readonly version: string;
  readonly errors: readonly NackError[];
  /** The version that the proxy still serves; null for none. */
  readonly serves: string | null;
}

/** The state of a session, for dumps and statuses. */
export interface SessionState {
  readonly id: string;
  /** The name that the proxy gives itself. */
  readonly nodeId: string;
  readonly weirVersion: string;
  /** The additions to the IR that the proxy knows (api/wire/additions.ts). */
  readonly capabilities: readonly string[];
  /** The resources that the proxy may read: `shared`, or those of its Gateway `<namespace>/<name>`. */
  readonly scope: string;
  /** The identity in the certificate of the proxy; null without TLS. */
  readonly identity: string | null;
  /** The `host:port` of the proxy's end of the connection. */
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly phase: 'greeting' | 'waiting' | 'syncing' | 'live' | 'closed';
  /** Number of resources sent or held. */
  readonly resources: number;
  /** Number of resources in the outbox. */
  readonly waiting: number;
  readonly sentNonce: number;
  readonly ackedNonce: number;
  /** When the oldest push without an ack was sent, milliseconds since the epoch; null if all are acked. */
  readonly unackedSince: number | null;
  readonly nacks: readonly Nack[];
}
