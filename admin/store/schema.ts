// The tables of the admin program, as one ordered list of changes. Each area has a file for each of its changes; a new one goes to the end.
// A released change is never edited.
import type { Schema } from '#lib/store/schema.ts';
import { AUDIT_1 } from './migrations/audit-1.ts';
import { IDENTITY_1 } from './migrations/identity-1.ts';
import { IDENTITY_2 } from './migrations/identity-2.ts';
import { IDENTITY_3 } from './migrations/identity-3.ts';
import { REVISIONS_1 } from './migrations/revisions-1.ts';
import { USAGE_1 } from './migrations/usage-1.ts';

export const ADMIN_SCHEMA: Schema = {
  table: 'weir_admin_schema',
  migrations: [IDENTITY_1, AUDIT_1, IDENTITY_2, REVISIONS_1, USAGE_1, IDENTITY_3],
};
