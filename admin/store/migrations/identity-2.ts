// Users that a provider of logins knows.
import type { Migration } from '#lib/store/schema.ts';

export const IDENTITY_2: Migration = [
  // A user belongs to one subject of one issuer, and to nothing else of it: names and mail addresses change owners.
  `CREATE TABLE weir_admin_external_users (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (issuer, subject)
  )`,
  'CREATE INDEX weir_admin_external_users_user ON weir_admin_external_users (user_id)',
];
