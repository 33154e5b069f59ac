// An entry of the audit log: one operation, sealed by a hash over all of it and over the hash of the entry before.
import { hash } from 'node:crypto';
import { canonicalJson, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';

/** The author of an operation. */
export interface AuditActor {
  /** `system`: Weir itself. */
  readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous' | 'system';
  /** The id in the store; '' for anonymous. */
  readonly id: string;
  readonly name: string;
  /** The id of the session; null without one. */
  readonly session: string | null;
}

/** A change that an operation has made, without secrets. */
export interface AuditChange {
  /** Its kind and name: `user/ana`, `HTTPRoute/shop/cart`. */
  readonly object: string;
  /** Null: it did not exist. */
  readonly before: JsonValue;
  /** Null: it does not exist any more. */
  readonly after: JsonValue;
}

/** `refused`: the caller may not do it, or asked for something invalid. `failed`: Weir could not do it. */
export type AuditOutcome = 'success' | 'refused' | 'failed';

/** The content of an entry, before it is part of the chain. */
export interface AuditFacts {
  /** A UUID. The same facts are stored once, however often they are handed over. */
  readonly id: string;
  /** When the operation ended, by the clock of the process, RFC 3339. */
  readonly time: string;
  readonly requestId: string;
  /** The id of the operation: `users.update`. */
  readonly operation: string;
  /** The path of the request, without the query; '' without a request. */
  readonly path: string;
  readonly actor: AuditActor;
  /** The IP address of the caller; '' without a request. */
  readonly address: string;
  readonly userAgent: string;
  /** Why, in the words of the caller; ''. */
  readonly reason: string;
  /** The namespace in which the caller needed the permission; null: all, or none. */
  readonly namespace: string | null;
  readonly changes: readonly AuditChange[];
  readonly outcome: AuditOutcome;
  /** The status code of the answer; 0 without a request. */
  readonly status: number;
  /** The code of the problem; '' after success. */
  readonly code: string;
}

/** The place of an entry in the chain. */
export interface ChainPlace {
  /** 1 for the first entry; each next one has the next number. */
  readonly sequence: number;
  /** The hash of the entry. */
  readonly hash: string;
}

/** A stored entry. */
export interface AuditEntry extends AuditFacts, ChainPlace {
  /** When it was stored, by the clock of the store, RFC 3339. It never is before that of an earlier entry. */
  readonly stored: string;
  /** The hash of the entry before. */
  readonly previous: string;
}

/** The place before the first entry. */
export const GENESIS: ChainPlace = { sequence: 0, hash: '0'.repeat(64) };

/** A value of JSON: `readonly` lists of interfaces are JSON too. */
export function jsonOf(entry: AuditEntry): JsonObject {
  return entry as unknown as JsonObject;
}

/** The next entry of a chain. */
export function sealed(facts: AuditFacts, stored: string, last: ChainPlace): AuditEntry {
  const entry = { ...facts, stored, sequence: last.sequence + 1, previous: last.hash, hash: '' };
  return { ...entry, hash: hashOf(jsonOf(entry)) };
}

/** The hash that an entry must have: SHA-256 over the canonical JSON (RFC 8785) of all other members, in hexadecimal digits. */
export function hashOf(entry: JsonObject): string {
  return hash('sha256', canonicalJson({ ...entry, hash: undefined }), 'hex');
}

/** The operation of an entry that says which entries retention has removed. */
export const REMOVAL = 'audit.retain';

/** The change of such an entry: the last removed entry, and the number of those removed with it. */
export interface RemovedEntries extends ChainPlace {
  readonly entries: number;
}

/** The last entry that was removed, as an entry says; null for other entries. */
export function removalIn({ operation, outcome, changes }: JsonObject): ChainPlace | null {
  if (operation !== REMOVAL || outcome !== 'success' || !Array.isArray(changes)) return null;
  const [change] = changes as readonly JsonObject[];
  const after = change?.['after'] as Partial<RemovedEntries> | null | undefined;
  const { sequence, hash: last } = after ?? {};
  return typeof sequence === 'number' && typeof last === 'string' ? { sequence, hash: last } : null;
}
