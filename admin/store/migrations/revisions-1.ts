// Versions of configuration objects that were in force. `at` is the clock of the store, milliseconds since the epoch; it grows with the
// revision.
import type { Migration } from '#lib/store/schema.ts';

export const REVISIONS_1: Migration = [
  // Each content once, as canonical JSON, by its SHA-256.
  'CREATE TABLE weir_admin_revision_contents (hash TEXT PRIMARY KEY, content TEXT NOT NULL)',
  // `namespace`: '' for objects without one. `hash`: null once the object is deleted. `request_id`: that of the entry in the audit log.
  `CREATE TABLE weir_admin_revisions (
    revision BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    hash TEXT,
    origin TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    request_id TEXT NOT NULL
  )`,
  'CREATE INDEX weir_admin_revisions_object ON weir_admin_revisions (kind, namespace, name, revision)',
  'CREATE INDEX weir_admin_revisions_namespace ON weir_admin_revisions (namespace, revision)',
  'CREATE INDEX weir_admin_revisions_actor ON weir_admin_revisions (actor_name, revision)',
  'CREATE INDEX weir_admin_revisions_at ON weir_admin_revisions (at, revision)',
  'CREATE INDEX weir_admin_revisions_hash ON weir_admin_revisions (hash)',
  // One row: the last revision; and the first one after which the state of all objects is known, with its time; 0: it is not known.
  `CREATE TABLE weir_admin_revisions_head (
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    known_revision BIGINT NOT NULL,
    known_since BIGINT NOT NULL
  )`,
  'INSERT INTO weir_admin_revisions_head (revision, at, known_revision, known_since) VALUES (0, 0, 0, 0)',
];
