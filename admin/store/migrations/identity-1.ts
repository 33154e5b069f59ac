// Users, roles, tenants, sessions, tokens and attempts to log in. Times are milliseconds since the epoch; lists are JSON.
import type { Migration } from '#lib/store/schema.ts';

export const IDENTITY_1: Migration = [
  // `password`: a hash of argon2id; null for users without a password. `version` grows with each change. `totp_step`: that of the last code
  // that was accepted. `totp_pending`: a secret that no code has confirmed yet.
  `CREATE TABLE weir_admin_users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    source TEXT NOT NULL,
    password TEXT,
    password_changed BIGINT NOT NULL,
    must_change INTEGER NOT NULL,
    disabled INTEGER NOT NULL,
    totp_secret TEXT,
    totp_pending TEXT,
    totp_step BIGINT NOT NULL,
    user_groups TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_login BIGINT NOT NULL,
    version BIGINT NOT NULL
  )`,
  // Codes that replace a code of TOTP once; `hash` is SHA-256.
  `CREATE TABLE weir_admin_recovery_codes (
    user_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (user_id, hash)
  )`,
  // The built-in roles are not in the table.
  `CREATE TABLE weir_admin_roles (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    version BIGINT NOT NULL
  )`,
  `CREATE TABLE weir_admin_tenants (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    namespaces TEXT NOT NULL,
    version BIGINT NOT NULL
  )`,
  // `subject`: the id of a user, the name of a group, or NAMESPACE/NAME of a ServiceAccount. `namespaces`: null without this limit.
  `CREATE TABLE weir_admin_bindings (
    id TEXT PRIMARY KEY,
    subject_kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant TEXT,
    namespaces TEXT,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL
  )`,
  'CREATE INDEX weir_admin_bindings_subject ON weir_admin_bindings (subject_kind, subject)',
  'CREATE INDEX weir_admin_bindings_role ON weir_admin_bindings (role)',
  'CREATE INDEX weir_admin_bindings_tenant ON weir_admin_bindings (tenant)',
  // `hash`: SHA-256 of the secret in the cookie.
  `CREATE TABLE weir_admin_sessions (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    method TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL
  )`,
  'CREATE INDEX weir_admin_sessions_user ON weir_admin_sessions (user_id)',
  'CREATE INDEX weir_admin_sessions_created ON weir_admin_sessions (created)',
  // `permissions`, `namespaces`: null without this limit of the rights of the owner.
  `CREATE TABLE weir_admin_tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    permissions TEXT,
    namespaces TEXT,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    last_address TEXT NOT NULL
  )`,
  'CREATE INDEX weir_admin_tokens_user ON weir_admin_tokens (user_id)',
  // Failed attempts to log in, by user name and by address; `subject` is a hash, since people type passwords into the field for names.
  `CREATE TABLE weir_admin_login_attempts (
    subject TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    since BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
  )`,
  'CREATE INDEX weir_admin_login_attempts_since ON weir_admin_login_attempts (since)',
];
