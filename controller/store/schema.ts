// The tables of the controller in its store: endpoints registered by hand, overrides, states of alerts.

import type { Migration, Schema } from '#lib/store/schema.ts';
const MIGRATIONS: readonly Migration[] = [
  [
    // `revision` grows with each change, so that replicas see changes of others; `removal` is that of the last change that removed rows.
    'CREATE TABLE weir_revision (revision BIGINT NOT NULL, removal BIGINT NOT NULL)',
    'INSERT INTO weir_revision (revision, removal) VALUES (0, 0)',
    `CREATE TABLE weir_registered_endpoints (
      backend TEXT NOT NULL,
      address TEXT NOT NULL,
      port INTEGER NOT NULL,
      attributes TEXT NOT NULL,
      ttl BIGINT,
      expires BIGINT,
      added BIGINT NOT NULL,
      renewed BIGINT NOT NULL,
      origin TEXT NOT NULL,
      revision BIGINT NOT NULL,
      PRIMARY KEY (backend, address, port)
    )`,
    'CREATE INDEX weir_registered_endpoints_revision ON weir_registered_endpoints (revision)',
    'CREATE INDEX weir_registered_endpoints_expires ON weir_registered_endpoints (expires)',
  ],
  [
    `CREATE TABLE weir_overrides (
      kind TEXT NOT NULL,
      backend TEXT NOT NULL,
      endpoint TEXT NOT NULL,
      state TEXT NOT NULL,
      at BIGINT NOT NULL,
      PRIMARY KEY (kind, backend, endpoint)
    )`,
  ],
  [
    // Of blocks. `ends`: 0 for no end.
    "ALTER TABLE weir_overrides ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
    'ALTER TABLE weir_overrides ADD COLUMN ends BIGINT NOT NULL DEFAULT 0',
  ],
  [
    // The last state of each alert; `labels` is JSON. Times are 0 if it has not come to that.
    `CREATE TABLE weir_alerts (
      rule TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      labels TEXT NOT NULL,
      state TEXT NOT NULL,
      value DOUBLE PRECISION NOT NULL,
      summary TEXT NOT NULL,
      description TEXT NOT NULL,
      active_at BIGINT NOT NULL,
      fired_at BIGINT NOT NULL,
      resolved_at BIGINT NOT NULL,
      PRIMARY KEY (rule, fingerprint)
    )`,
    `CREATE TABLE weir_silences (
      id TEXT PRIMARY KEY,
      matchers TEXT NOT NULL,
      author TEXT NOT NULL,
      reason TEXT NOT NULL,
      starts BIGINT NOT NULL,
      ends BIGINT NOT NULL
    )`,
    // What a channel was told of a group of alerts: `told` is JSON, the time of firing by fingerprint.
    `CREATE TABLE weir_notifications (
      channel TEXT NOT NULL,
      group_key TEXT NOT NULL,
      told TEXT NOT NULL,
      sent_at BIGINT NOT NULL,
      PRIMARY KEY (channel, group_key)
    )`,
  ],
];

export const SCHEMA: Schema = { table: 'weir_schema', migrations: MIGRATIONS };
