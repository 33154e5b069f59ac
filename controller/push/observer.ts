// What sessions tell the rest of the controller, and what they show of themselves.
import type { ResourceKind } from '#api/ir/ir.ts';

/** A mistake that a proxy found in a resource; the errors of a nack. */
export interface NackError {
  readonly field: string;
  readonly reason: string;
}

/**
 * Told what proxies serve. `session` names a stream of a proxy: one that reconnects has a new name. Calls come in the order in
 * which things happened, none before `connected` and none after `disconnected`.
 */
export interface PushObserver {
  /** `scope`: what the proxy may read. */
  connected(session: string, scope: string): void;
  disconnected(session: string): void;
  /** The proxy serves this version: just taken, or held since before it connected. */
  acked(session: string, kind: ResourceKind, key: string, version: string): void;
  /** The proxy cannot use this version and goes on with what it had, if anything. */
  nacked(session: string, kind: ResourceKind, key: string, nack: { readonly version: string; readonly errors: readonly NackError[] }): void;
}

/** A resource as a proxy refuses it. */
export interface Nack {
  readonly kind: ResourceKind;
  readonly key: string;
  readonly version: string;
  readonly errors: readonly NackError[];
  /** The version that the proxy serves instead, null for none. */
  readonly serves: string | null;
}

/** A session as dumps and status show it. */
export interface SessionState {
  readonly id: string;
  /** What the proxy calls itself. */
  readonly nodeId: string;
  readonly weirVersion: string;
  /** Additions to the IR that it knows (api/ir/additions.ts). */
  readonly capabilities: readonly string[];
  /** What it may read: `shared`, or the Gateway `<namespace>/<name>` whose proxy it is. */
  readonly scope: string;
  /** Who it is by its certificate; null over plain text. */
  readonly identity: string | null;
  /** `host:port` it connected from. */
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly phase: 'greeting' | 'waiting' | 'syncing' | 'live' | 'closed';
  /** Resources sent or held. */
  readonly resources: number;
  /** Resources that wait to be sent. */
  readonly waiting: number;
  readonly sentNonce: number;
  readonly ackedNonce: number;
  readonly nacks: readonly Nack[];
}
