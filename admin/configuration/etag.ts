// ETags of objects in files: names of their content that do not help to guess it.
import { createHmac, randomBytes } from 'node:crypto';
import { canonicalJson, type JsonObject } from '#lib/canonical-json.ts';

/** A hash without a key would confirm a guess at the data of a Secret. After a restart all ETags are new, and clients read again. */
const KEY = randomBytes(32);

/** The ETag of an object: the same for the same content, whatever its form in the file. */
export function etagOf(object: JsonObject): string {
  return createHmac('sha256', KEY).update(canonicalJson(object)).digest('base64url').slice(0, 22);
}
