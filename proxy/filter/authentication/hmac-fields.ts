// The Authorization of an HMAC signature: `hmac username="alice", algorithm="hmac-sha256", headers="date host", signature="..."`.
import { err, ok, type Result } from '#lib/result.ts';

/** The algorithms. SHA-1, which older clients use, is none of them. */
export type HmacAlgorithm = 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

/** The fields as the request has them; nothing of them is verified. */
export interface HmacFields {
  readonly keyId: string;
  readonly algorithm: string;
  /** The names of the signed lines, in their order. */
  readonly names: readonly string[];
  readonly signature: Buffer;
}

const MAX_LENGTH = 4_096;
const MAX_NAMES = 32;
const SCHEME = /^(?:hmac|signature) +(.*)$/i;
const FIELD = /^([a-zA-Z]+)="([^"\\]*)"$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const KNOWN: readonly string[] = ['username', 'keyId', 'algorithm', 'headers', 'signature'];

/** Whether the credential is of the scheme `hmac` or `Signature`, in whatever form. */
export function isHmac(authorization: string): boolean {
  return /^(?:hmac|signature)(?: |$)/i.test(authorization);
}

/** Null: the credential is of another scheme. */
export function readHmacFields(authorization: string): Result<HmacFields | null> {
  if (!isHmac(authorization)) return ok(null);
  if (authorization.length > MAX_LENGTH) return err('the signature is too long');
  const fields = fieldsOf(SCHEME.exec(authorization)?.[1] ?? '');
  return fields === null ? err('the signature is malformed') : checked(fields);
}

/** Null: malformed, or a field that is unknown or there twice. */
function fieldsOf(text: string): ReadonlyMap<string, string> | null {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name = '', value = ''] = FIELD.exec(part.trim()) ?? [];
    if (!KNOWN.includes(name) || fields.has(name)) return null;
    fields.set(name, value);
  }
  return fields;
}

function checked(fields: ReadonlyMap<string, string>): Result<HmacFields> {
  const field = (name: string): string => fields.get(name) ?? '';
  const ids = ['username', 'keyId'].flatMap((name) => fields.get(name) ?? []);
  const [keyId = ''] = ids;
  if (ids.length !== 1 || keyId === '') return err('the signature needs either username or keyId');
  const [names, signature] = [field('headers').toLowerCase().split(' '), field('signature')];
  if (names.length > MAX_NAMES || !BASE64.test(signature)) return err('the signature is malformed');
  return ok({ keyId, algorithm: field('algorithm'), names, signature: Buffer.from(signature, 'base64') });
}
