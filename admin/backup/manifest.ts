// The list of what a backup has, with a checksum for each member. It is the last member, so that a backup is written as it is read.
import { Type, type Static } from '#lib/typebox.ts';
import { Ajv } from 'ajv';
import { err, ok, type Result } from '#lib/result.ts';

/** The version of the form of archives. */
export const ARCHIVE_VERSION = 1;
export const MANIFEST = 'manifest.json';

const CLOSED = { additionalProperties: false };
const COUNT = Type.Integer({ minimum: 0 });
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** The schema of the manifest. */
export const MANIFEST_SCHEMA = Type.Object(
  {
    format: Type.Literal('weir-backup'),
    version: Type.Integer({ description: 'The version of the form of the archive.' }),
    release: Type.String({ description: 'The release of Weir that has made it.' }),
    schema: Type.Integer({ minimum: 1, description: 'The version of the tables.' }),
    created: Type.String({ description: 'When it was made.' }),
    objects: Type.Integer({ minimum: 0, description: 'Configuration objects; without Secrets.' }),
    secrets: Type.Array(Type.String(), { description: 'The names of Secrets, whose data is not in the archive.' }),
    audit: Type.Object({ sequence: COUNT, hash: SHA256 }, { ...CLOSED, description: 'The end of the audit log.' }),
    members: Type.Array(Type.Object({ name: Type.String(), bytes: COUNT, sha256: SHA256 }, CLOSED)),
  },
  CLOSED,
);

/** The manifest of a backup. */
export type Manifest = Static<typeof MANIFEST_SCHEMA>;

const validate = new Ajv({ strict: false }).compile(MANIFEST_SCHEMA);

/** Reads a manifest. The error is a sentence. */
export function parseManifest(bytes: Buffer): Result<Manifest> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    const isNewer = typeof value === 'object' && value !== null && Number((value as Partial<Manifest>).version) > ARCHIVE_VERSION;
    if (isNewer) return err('the archive is of a later release; restore it with that release');
    return validate(value) ? ok(value as Manifest) : err('the manifest of the archive is not valid');
  } catch {
    return err('the manifest of the archive is not valid');
  }
}
