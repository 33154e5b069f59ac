// Use of the API, the places that people log in from, and unusual logins. Times are milliseconds since the epoch.
import type { Migration } from '#lib/store/schema.ts';

export const USAGE_1: Migration = [
  // `day`: days since the epoch. Replicas add to the same rows.
  `CREATE TABLE weir_admin_usage (
    day INTEGER NOT NULL,
    operation TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    calls BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    total_ms BIGINT NOT NULL,
    max_ms BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    PRIMARY KEY (day, operation, actor_kind, actor_id)
  )`,
  // `place`: the network of an address.
  `CREATE TABLE weir_admin_login_places (
    user_name TEXT NOT NULL,
    place TEXT NOT NULL,
    last_login BIGINT NOT NULL,
    PRIMARY KEY (user_name, place)
  )`,
  `CREATE TABLE weir_admin_login_anomalies (
    id TEXT PRIMARY KEY,
    time BIGINT NOT NULL,
    kind TEXT NOT NULL,
    user_name TEXT NOT NULL,
    address TEXT NOT NULL,
    detail TEXT NOT NULL
  )`,
  'CREATE INDEX weir_admin_login_anomalies_time ON weir_admin_login_anomalies (time)',
];
