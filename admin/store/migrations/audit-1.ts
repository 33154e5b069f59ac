// The audit log. `stored` is the clock of the store, milliseconds since the epoch; it grows with the sequence.
import type { Migration } from '#lib/store/schema.ts';

export const AUDIT_1: Migration = [
  // `changes` is JSON. The hash is over all columns.
  `CREATE TABLE weir_admin_audit (
    sequence BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    time BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    path TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    session TEXT,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    reason TEXT NOT NULL,
    namespace TEXT,
    changes TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    code TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
  )`,
  // Each index ends with the sequence, so that a page of a filtered list is one piece of it.
  'CREATE INDEX weir_admin_audit_stored ON weir_admin_audit (stored, sequence)',
  'CREATE INDEX weir_admin_audit_actor_id ON weir_admin_audit (actor_id, sequence)',
  'CREATE INDEX weir_admin_audit_actor_name ON weir_admin_audit (actor_name, sequence)',
  'CREATE INDEX weir_admin_audit_operation ON weir_admin_audit (operation, sequence)',
  'CREATE INDEX weir_admin_audit_namespace ON weir_admin_audit (namespace, sequence)',
  'CREATE INDEX weir_admin_audit_outcome ON weir_admin_audit (outcome, sequence)',
  'CREATE INDEX weir_admin_audit_request ON weir_admin_audit (request_id, sequence)',
  // The objects that an entry has changed, each with the groups that it is in: `HTTPRoute/shop/cart`, `HTTPRoute/shop`, `HTTPRoute`.
  `CREATE TABLE weir_admin_audit_objects (
    object TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (object, sequence)
  )`,
  'CREATE INDEX weir_admin_audit_objects_sequence ON weir_admin_audit_objects (sequence)',
  // One row: the last entry, so that entries that are cut off are missed.
  'CREATE TABLE weir_admin_audit_head (sequence BIGINT NOT NULL, hash TEXT NOT NULL, stored BIGINT NOT NULL)',
  `INSERT INTO weir_admin_audit_head (sequence, hash, stored) VALUES (0, '${'0'.repeat(64)}', 0)`,
];
