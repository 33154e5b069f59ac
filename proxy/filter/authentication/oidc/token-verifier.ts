// Signatures of the provider's tokens (RFC 7515): only algorithms with public keys that the provider names in its metadata, each with keys
// of its own type.
import { constants, createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '#lib/result.ts';
import { maxAgeOf, parseJson, type DocumentHandle, type LoadedDocument, type Outside } from '../../../exchange/outside.ts';
import type { Metadata } from './provider.ts';
import { parseObject, textOf } from './session.ts';

const MAX_TOKEN = 32_768;
const MAX_KEYS = 100;
const MIN_RSA_BITS = 2_048;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

interface Algorithm {
  readonly digest: string | null;
  readonly kty: string;
  /** '' for RSA. */
  readonly crv: string;
  readonly isPss: boolean;
}

function algorithm(digest: string | null, kty: string, crv = '', isPss = false): Algorithm {
  return { digest, kty, crv, isPss };
}

/** Neither `none` nor algorithms with a shared secret (RFC 8725 section 3.1). */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ['RS256', algorithm('sha256', 'RSA')],
  ['RS384', algorithm('sha384', 'RSA')],
  ['RS512', algorithm('sha512', 'RSA')],
  ['PS256', algorithm('sha256', 'RSA', '', true)],
  ['PS384', algorithm('sha384', 'RSA', '', true)],
  ['PS512', algorithm('sha512', 'RSA', '', true)],
  ['ES256', algorithm('sha256', 'EC', 'P-256')],
  ['ES384', algorithm('sha384', 'EC', 'P-384')],
  ['ES512', algorithm('sha512', 'EC', 'P-521')],
  ['EdDSA', algorithm(null, 'OKP', 'Ed25519')],
  ['Ed25519', algorithm(null, 'OKP', 'Ed25519')],
]);

interface ProviderKey {
  readonly kid: string;
  readonly kty: string;
  readonly crv: string;
  /** '' for any that fits. */
  readonly alg: string;
  readonly key: KeyObject;
}

export type Verified =
  | { readonly type: 'verified'; readonly claims: Readonly<Record<string, unknown>>; readonly algorithm: string; readonly typ: string }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'unavailable'; readonly reason: string };

export class TokenVerifier {
  readonly #outside: Outside;
  #keys: DocumentHandle<readonly ProviderKey[]> | null = null;
  #uri = '';

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** The claims of a token with a valid signature. A key that is not known is looked for once at the provider. */
  async verify(token: string, { jwksUri, algorithms }: Metadata): Promise<Verified> {
    const parts = partsOf(token);
    if (parts === null) return { type: 'refused', reason: 'the token is malformed' };
    const { header, claims, input, signature } = parts;
    const name = textOf(header, 'alg');
    const used = algorithms.includes(name) ? ALGORITHMS.get(name) : undefined;
    if (used === undefined) return { type: 'refused', reason: 'the token has an algorithm that is not accepted' };
    const keys = await this.#candidates(jwksUri, name, used, textOf(header, 'kid'));
    if (keys === null) return { type: 'unavailable', reason: 'the keys of the provider are not known' };
    if (!keys.some((key) => isSigned(used, key, input, signature)))
      return { type: 'refused', reason: 'the signature of the token is wrong' };
    return { type: 'verified', claims, algorithm: name, typ: textOf(header, 'typ').toLowerCase() };
  }

  close(): void {
    this.#keys?.close();
  }

  /** The keys that the token may be signed with; null if the provider has never answered. */
  async #candidates(uri: string, name: string, used: Algorithm, kid: string): Promise<readonly KeyObject[] | null> {
    const handle = this.#open(uri);
    const known = fitting(handle.value, name, used, kid);
    if (known.length > 0) return known;
    await handle.refresh();
    return handle.value === null ? null : fitting(handle.value, name, used, kid);
  }

  #open(uri: string): DocumentHandle<readonly ProviderKey[]> {
    if (this.#keys !== null && this.#uri === uri) return this.#keys;
    this.#keys?.close();
    this.#uri = uri;
    return (this.#keys = this.#outside.documents.open({ key: `oidc keys ${uri}`, load: () => loadKeys(this.#outside, uri) }));
  }
}

interface Parts {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly input: Buffer;
  readonly signature: Buffer;
}

/** Null for a token of another form, or with extensions that must be understood (RFC 7515 section 4.1.11). */
function partsOf(token: string): Parts | null {
  const [, head = '', payload = '', signature = ''] = COMPACT.exec(token.length > MAX_TOKEN ? '' : token) ?? [];
  const header = parseObject(Buffer.from(head, 'base64url').toString('utf8'));
  const claims = parseObject(Buffer.from(payload, 'base64url').toString('utf8'));
  if (header === null || claims === null || header['crit'] !== undefined) return null;
  return { header, claims, input: Buffer.from(`${head}.${payload}`), signature: Buffer.from(signature, 'base64url') };
}

function fitting(keys: readonly ProviderKey[] | null, name: string, { kty, crv }: Algorithm, kid: string): readonly KeyObject[] {
  return (keys ?? [])
    .filter((key) => key.kty === kty && key.crv === crv && (key.alg === '' || key.alg === name) && (kid === '' || key.kid === kid))
    .map(({ key }) => key);
}

function isSigned({ digest, kty, isPss }: Algorithm, key: KeyObject, input: Buffer, signature: Buffer): boolean {
  if (kty === 'EC') return verify(digest, input, { key, dsaEncoding: 'ieee-p1363' }, signature);
  if (!isPss) return verify(digest, input, key, signature);
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return verify(digest, input, { key, ...padding }, signature);
}

async function loadKeys(outside: Outside, url: string): Promise<Result<LoadedDocument<readonly ProviderKey[]>>> {
  const answer = await outside.ask({ url, headers: { accept: 'application/json' } });
  if (!answer.ok) return answer;
  const { status, body, headers } = answer.value;
  if (status !== 200) return err(`answers with status ${status}`);
  const read = parseJson(body);
  if (!read.ok) return read;
  const list = (read.value as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) return err('answers without keys');
  const value = list.slice(0, MAX_KEYS).flatMap((each: unknown) => keyOf(each) ?? []);
  const digest = createHash('sha256').update(body).digest('hex');
  return ok({ value, digest, maxAge: maxAgeOf(headers['cache-control']) });
}

/** Null for a key of another type, a private or weak one, or one that is not for signatures. */
function keyOf(value: unknown): ProviderKey | null {
  const jwk = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const [kty, crv] = [textOf(jwk, 'kty'), textOf(jwk, 'crv')];
  if (!isForSignatures(jwk)) return null;
  try {
    const key = createPublicKey({ key: { ...jwk, kty }, format: 'jwk' });
    if ((key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) < MIN_RSA_BITS) return null;
    return { kid: textOf(jwk, 'kid'), kty, crv, alg: textOf(jwk, 'alg'), key };
  } catch {
    return null;
  }
}

function isForSignatures(jwk: Readonly<Record<string, unknown>>): boolean {
  const isPublic = ['RSA', 'EC', 'OKP'].includes(textOf(jwk, 'kty')) && jwk['d'] === undefined;
  return isPublic && ['', 'sig'].includes(textOf(jwk, 'use'));
}
