// The keys of an issuer: a key set (RFC 7517), a public key in PEM, or a shared secret.
import { createPublicKey, createSecretKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '#lib/result.ts';
import { fits, isStrong } from './signature.ts';

/** A key with what its set says about it; '' for what it does not say. */
interface Key {
  readonly id: string;
  readonly algorithm: string;
  readonly key: KeyObject;
}

const MAX_KEYS = 128;

export class KeySet {
  readonly #keys: readonly Key[];

  constructor(keys: readonly Key[]) {
    this.#keys = keys;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The keys that may have made a signature: those with the id, or without any id; all without an id in the token. */
  candidates(id: string, algorithm: string): readonly KeyObject[] {
    const named = id === '' ? this.#keys : this.#keys.filter((key) => key.id === id);
    const found = named.length === 0 ? this.#keys.filter((key) => key.id === '') : named;
    return found.filter((key) => (key.algorithm === '' || key.algorithm === algorithm) && fits(algorithm, key.key)).map(({ key }) => key);
  }
}

/** The keys of a text: JSON of a key set, or PEM. Keys that are for something else, weak or secret are left out. */
export function parseKeys(text: string): Result<KeySet> {
  if (text.trimStart().startsWith('-----BEGIN')) return ofPem(text);
  const set = parsed(text);
  const list: unknown = typeof set === 'object' && set !== null ? (set as { readonly keys?: unknown }).keys : null;
  if (!Array.isArray(list)) return err('is neither a key set nor a public key in PEM');
  const keys = list.slice(0, MAX_KEYS).flatMap((jwk) => keyOf(jwk) ?? []);
  return keys.length === 0 ? err('has no key that can verify signatures') : ok(new KeySet(keys));
}

/** A shared secret as a key set. */
export function secretKeys(secret: Buffer): Result<KeySet> {
  const key = createSecretKey(secret);
  return isStrong(key) ? ok(new KeySet([{ id: '', algorithm: '', key }])) : err('is shorter than 32 bytes');
}

function ofPem(text: string): Result<KeySet> {
  const key = publicKey(text);
  return key === null || text.includes('PRIVATE KEY')
    ? err('is not a public key in PEM')
    : ok(new KeySet([{ id: '', algorithm: '', key }]));
}

function keyOf(jwk: unknown): Key | null {
  if (typeof jwk !== 'object' || jwk === null || !verifies(jwk as Members)) return null;
  const { kid = '', alg = '' } = jwk as Members;
  const key = publicKey({ key: jwk, format: 'jwk' } as JsonWebKeyInput);
  return key === null || typeof kid !== 'string' || typeof alg !== 'string' ? null : { id: kid, algorithm: alg, key };
}

type Members = Readonly<Record<string, unknown>>;

/** Whether a key is public and for signatures. */
function verifies({ kty, use = 'sig', key_ops: operations = ['verify'] }: Members): boolean {
  return kty !== 'oct' && use === 'sig' && Array.isArray(operations) && operations.includes('verify');
}

function publicKey(source: string | JsonWebKeyInput): KeyObject | null {
  try {
    const key = createPublicKey(source);
    return isStrong(key) ? key : null;
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
