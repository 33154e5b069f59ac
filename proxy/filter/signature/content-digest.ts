// Content-Digest (RFC 9530): digests of the body of a request.
import { createHash, timingSafeEqual } from 'node:crypto';
import { parseDictionary } from '#lib/structured-fields.ts';

const BOUNDS = { maxLength: 1_024, maxMembers: 8, maxItems: 4 };
const HASHES: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

const DIGEST = /^([A-Za-z0-9-]+)=([A-Za-z0-9+/]+={0,2})$/;

/** The digests of a field by the name of the hash of Node.js; null if the field is malformed, or has none that counts. */
export function parseContentDigest(field: string): ReadonlyMap<string, Buffer> | null {
  const parsed = parseDictionary(field, BOUNDS);
  if (!parsed.ok) return null;
  const digests = new Map<string, Buffer>();
  for (const [name, member] of parsed.value) {
    const hash = HASHES.get(name);
    // Older hashes can be forged: they prove nothing.
    if (hash === undefined) continue;
    if (!('bare' in member) || member.bare.type !== 'bytes') return null;
    digests.set(hash, member.bare.value);
  }
  return digests.size === 0 ? null : digests;
}

/** The same for the older Digest (RFC 3230): `SHA-256=BASE64`. */
export function parseDigest(field: string): ReadonlyMap<string, Buffer> | null {
  const parts = field.split(',', BOUNDS.maxMembers + 1);
  if (parts.length > BOUNDS.maxMembers) return null;
  const digests = new Map<string, Buffer>();
  for (const part of parts) {
    const [, name, base64] = DIGEST.exec(part.trim()) ?? [];
    if (name === undefined || base64 === undefined) return null;
    const hash = HASHES.get(name.toLowerCase());
    if (hash === undefined) continue;
    if (digests.has(hash)) return null;
    digests.set(hash, Buffer.from(base64, 'base64'));
  }
  return digests.size === 0 ? null : digests;
}

/** Whether each digest is that of the body. */
export function digestsMatch(digests: ReadonlyMap<string, Buffer>, body: Buffer): boolean {
  for (const [hash, digest] of digests) {
    const own = createHash(hash).update(body).digest();
    if (own.length !== digest.length || !timingSafeEqual(own, digest)) return false;
  }
  return true;
}

/** The field for a body. */
export function contentDigest(body: Buffer): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}
