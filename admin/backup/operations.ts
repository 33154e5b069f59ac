// The operations on backups: make one, check one, restore one.
import { Type, type Static } from '#lib/typebox.ts';
import { ok, type Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import { adminOperation, reply, stream, type AdminOperation, type Area } from '../api/operation.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { GENESIS } from '../audit/entry.ts';
import type { Revisions } from '../revisions/revisions.ts';
import { CHANGES_REPORT } from '../revisions/schemas.ts';
import { checkArchive, type CheckedArchive } from './archive.ts';
import { backupOf } from './backup.ts';
import { ARCHIVE_VERSION, MANIFEST, type Manifest } from './manifest.ts';
import { Restore } from './restore.ts';
import { packed, packedAtOnce } from './tar.ts';

/** What backups need. */
export interface BackupParts {
  readonly store: Store;
  readonly configuration: ConfigurationStore | null;
  readonly revisions: Revisions;
}

const CLOSED = { additionalProperties: false };
/** The largest archive that a restore takes. */
const MAX_ARCHIVE_BYTES = 64 * 1_048_576;
const SUMMARY = {
  sha256: Type.String({ description: 'The SHA-256 of the archive.' }),
  created: Type.String({ description: 'When it was made.' }),
  release: Type.String({ description: 'The release of Weir that has made it.' }),
  objects: Type.Integer({ description: 'Configuration objects; without Secrets.' }),
  secrets: Type.Array(Type.String(), { description: 'Secrets, whose data is not in the archive.' }),
  rows: Type.Record(Type.String(), Type.Integer(), { description: 'Rows by table.' }),
};
const CHECKED = Type.Object(SUMMARY, CLOSED);
const AUDIT_MERGE = Type.Enum(['kept', 'replaced', 'appended', 'none'], {
  description:
    'kept: the present audit log goes on where that of the archive ends. replaced: the archive has all of its entries. appended: its entries follow those of the archive. none: the store is not restored.',
});
const RESTORED = Type.Object({ archive: CHECKED, audit: AUDIT_MERGE, configuration: CHANGES_REPORT }, CLOSED);
const QUERY = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ description: 'Tell only what it would do.' })),
    parts: Type.Optional(Type.Enum(['all', 'configuration', 'store'], { description: 'What to restore; all by default.' })),
    prune: Type.Optional(Type.Boolean({ description: 'Delete objects that the archive does not have.' })),
    skipRefused: Type.Optional(Type.Boolean({ description: 'Leave objects that cannot be restored as they are.' })),
  },
  CLOSED,
);

const EXAMPLE_MANIFEST: Manifest = {
  ...{ format: 'weir-backup', version: ARCHIVE_VERSION, release: '0.1.0', schema: 1, created: '2026-11-30T16:04:00.120Z', objects: 0 },
  ...{ secrets: [], audit: { ...GENESIS }, members: [] },
};
const EXAMPLE_ARCHIVE = packedAtOnce([{ name: MANIFEST, bytes: Buffer.from(JSON.stringify(EXAMPLE_MANIFEST)) }]);
const EXAMPLE_SUMMARY: Static<typeof CHECKED> = {
  ...{ sha256: 'c2a1'.repeat(16), created: '2026-11-30T16:04:00.120Z', release: '0.1.0', objects: 1, secrets: ['Secret/shop/key'] },
  rows: { weir_admin_users: 1 },
};
const EXAMPLE_REPORT: Static<typeof CHANGES_REPORT> = {
  ...{ dryRun: true, objects: [], resources: [], listeners: [], conditions: [], problems: [], solved: [], refused: [] },
};

/** The operations on backups. */
export function backupArea(parts: BackupParts): Area {
  return {
    name: 'backups',
    summary: 'One archive of the configuration and of the store: made, checked, restored.',
    operations: [createOperation(parts), checkOperation(), restoreOperation(parts)],
  };
}

function createOperation({ store, configuration }: BackupParts): AdminOperation {
  return adminOperation({
    ...{ id: 'backups.create', method: 'POST', path: '/backups', tag: 'backups', permission: 'backups:write' },
    summary: 'Make a backup',
    description:
      'A tar archive under gzip, with a checksum for each member. It has no data of Secrets, but hashes of passwords and tokens: keep it like the store. A backup that is cut off has no manifest, and is refused by a check.',
    streams: 'application/gzip',
    answer: Type.String(),
    problems: { 503: ['store-away'] },
    example: {},
    async run() {
      const opened = await store.read(() => Promise.resolve());
      if (!opened.ok) return refuse(503, 'store-away', opened.error, { retryAfter: 5 });
      return stream(packed(backupOf(store, configuration)));
    },
  });
}

function checkOperation(): AdminOperation {
  return adminOperation({
    ...{ id: 'backups.check', method: 'POST', path: '/backups/check', tag: 'backups', permission: 'backups:read', audited: false },
    summary: 'Check an archive, and tell what it has',
    upload: 'application/gzip',
    maxBodyBytes: MAX_ARCHIVE_BYTES,
    answer: CHECKED,
    problems: { 422: ['archive-invalid'] },
    example: { upload: EXAMPLE_ARCHIVE, answer: EXAMPLE_SUMMARY },
    async run({ upload }) {
      const checked = await checkedArchive(upload);
      return checked.ok ? reply(summaryOf(checked.value)) : checked;
    },
  });
}

function restoreOperation(parts: BackupParts): AdminOperation {
  const restore = new Restore(parts);
  return adminOperation({
    ...{ id: 'backups.restore', method: 'POST', path: '/backups/restore', tag: 'backups', permission: 'backups:restore' },
    summary: 'Restore an archive',
    description:
      'Checks all of it first. The store is replaced as a whole, and all sessions end; then the objects are made as in the archive. If-Match has the ETag of the dry run; * is any state.',
    precondition: 'required',
    upload: 'application/gzip',
    maxBodyBytes: MAX_ARCHIVE_BYTES,
    query: QUERY,
    answer: RESTORED,
    problems: {
      409: ['audit-log-foreign', 'restore-refused', 'restore-incomplete'],
      422: ['archive-invalid', 'archive-inapplicable'],
      503: ['store-away', 'cluster-away', 'compiler-busy', 'compiler-ended'],
    },
    example: {
      query: { dryRun: true },
      upload: EXAMPLE_ARCHIVE,
      answer: { archive: EXAMPLE_SUMMARY, audit: 'appended', configuration: EXAMPLE_REPORT },
    },
    async run({ upload, query, ifMatch }, context) {
      const checked = await checkedArchive(upload);
      if (!checked.ok) return checked;
      const done = await restore.run({ bytes: upload, checked: checked.value }, { ...query, ifMatch }, context);
      if (!done.ok) return done;
      const { audit, configuration, etag } = done.value;
      return reply({ archive: summaryOf(checked.value), audit, configuration }, { etag });
    },
  });
}

async function checkedArchive(bytes: Uint8Array): Promise<Result<CheckedArchive, AdminProblem>> {
  const checked = await checkArchive(bytes);
  return checked.ok ? ok(checked.value) : refuse(422, 'archive-invalid', checked.error);
}

function summaryOf({ manifest, sha256, rows }: CheckedArchive): Static<typeof CHECKED> {
  const { created, release, objects, secrets } = manifest;
  return { sha256, created, release, objects, secrets, rows: { ...rows } };
}
