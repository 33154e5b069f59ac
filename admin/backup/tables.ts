// The tables of the store that a backup has. What is left out is of no use in another store: sessions, attempts to log in.

/** A table whose rows are read in the order of its key. */
export interface BackedUpTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** The columns of the key, in order. */
  readonly key: readonly string[];
}

const USERS = [
  ...['id', 'name', 'display_name', 'source', 'password', 'password_changed', 'must_change', 'disabled', 'totp_secret', 'totp_pending'],
  ...['totp_step', 'user_groups', 'created', 'last_login', 'version'],
];
const TOKENS = [
  ...['id', 'hash', 'user_id', 'name', 'permissions', 'namespaces', 'created', 'created_by', 'expires', 'last_used', 'last_address'],
];
const AUDIT = [
  ...['sequence', 'id', 'time', 'stored', 'request_id', 'operation', 'path', 'actor_kind', 'actor_id', 'actor_name', 'session'],
  ...['address', 'user_agent', 'reason', 'namespace', 'changes', 'outcome', 'status', 'code', 'previous', 'hash'],
];
const REVISIONS = [
  ...['revision', 'at', 'kind', 'namespace', 'name', 'hash', 'origin', 'actor_kind', 'actor_id', 'actor_name', 'reason', 'request_id'],
];

/** The audit log: its rows for searches are made anew. */
export const AUDIT_TABLE: BackedUpTable = { name: 'weir_admin_audit', columns: AUDIT, key: ['sequence'] };

/** All other tables, in the order in which they are read: contents before the revisions that name them, since both may be removed meanwhile. */
export const TABLES: readonly BackedUpTable[] = [
  { name: 'weir_admin_users', columns: USERS, key: ['id'] },
  { name: 'weir_admin_external_users', columns: ['issuer', 'subject', 'user_id'], key: ['issuer', 'subject'] },
  { name: 'weir_admin_recovery_codes', columns: ['user_id', 'hash'], key: ['user_id', 'hash'] },
  { name: 'weir_admin_roles', columns: ['name', 'description', 'permissions', 'version'], key: ['name'] },
  { name: 'weir_admin_tenants', columns: ['name', 'description', 'namespaces', 'version'], key: ['name'] },
  {
    name: 'weir_admin_bindings',
    columns: ['id', 'subject_kind', 'subject', 'role', 'tenant', 'namespaces', 'created', 'created_by'],
    key: ['id'],
  },
  { name: 'weir_admin_tokens', columns: TOKENS, key: ['id'] },
  { name: 'weir_admin_revision_contents', columns: ['hash', 'content'], key: ['hash'] },
  { name: 'weir_admin_revisions', columns: REVISIONS, key: ['revision'] },
  { name: 'weir_admin_revisions_head', columns: ['revision', 'at', 'known_revision', 'known_since'], key: ['revision'] },
];

/** Tables that a restore empties: sessions of users that may not exist any more, and attempts to log in. */
export const EMPTIED_TABLES: readonly string[] = ['weir_admin_sessions', 'weir_admin_login_attempts'];

/** Tables that a restore leaves as they are, by their beginning: counts of calls, places of logins. */
export const KEPT_TABLES: readonly string[] = ['weir_admin_schema', 'weir_admin_audit', 'weir_admin_usage', 'weir_admin_login_'];
