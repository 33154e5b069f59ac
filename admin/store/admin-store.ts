// The store of the admin program: a file of its own, or PostgreSQL, which replicas share. It opens at the first use.
import { PostgresStore } from '#lib/store/postgres-store.ts';
import { SqliteStore } from '#lib/store/sqlite-store.ts';
import type { Store } from '#lib/store/store.ts';
import type { StoreSettings } from '#lib/store-settings.ts';
import { ADMIN_SCHEMA } from './schema.ts';

/** The admin program cannot be without a store: its users are in it. */
export type AdminStoreSettings = Exclude<StoreSettings, { readonly kind: 'off' }>;

/** Makes the store. Throws if a file that a URL names cannot be read. */
export function makeAdminStore(settings: AdminStoreSettings): Store {
  if (settings.kind === 'postgres') return new PostgresStore({ ...settings, schema: ADMIN_SCHEMA });
  return new SqliteStore({ file: settings.file, schema: ADMIN_SCHEMA });
}
