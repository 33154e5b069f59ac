// Logins at a provider.
import type { Migration } from '#lib/store/schema.ts';

export const IDENTITY_3: Migration = [
  // The ID token of the login, sealed: a logout at the provider names its session by it. Null for other logins.
  'ALTER TABLE weir_admin_sessions ADD COLUMN id_token TEXT',
];
