// Consumers: each credential in the form that proxies compare, or the reason why it is not usable.
import { createHash, createPublicKey } from 'node:crypto';
import { identityOf, type ConsumerCredential } from '#api/ir/ir.ts';
import { checkConsumer } from '#api/k8s/consumer-rules.ts';
import { CERTIFICATE_FIELDS } from '#api/k8s/consumer.ts';
import { describeError } from '#api/k8s/field-error.ts';
import type { Consumer, ConsumerCredential as Spec, Secret } from '#api/k8s/k8s.ts';
import { isDamagedApiKey } from '#lib/api-key.ts';
import { normaliseName } from '#lib/distinguished-name.ts';
import { parseHtpasswd } from '#lib/htpasswd.ts';
import { didYouMean } from '#lib/nearest.ts';
import { parsePasswordHash } from '#lib/password-hash.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { ConsumerObstacle } from './conditions.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** A credential and the field that it comes from. */
export interface ResolvedCredential {
  readonly field: string;
  readonly credential: ConsumerCredential;
}

/** The credentials of a Consumer. */
export interface ConsumerOutcome {
  readonly credentials: readonly ResolvedCredential[];
  /** Why credentials are left out, or keep their former value; each message names field, object and reason. */
  readonly obstacles: readonly ConsumerObstacle[];
  /** The broken rules as text; '' if there are none. */
  readonly invalid: string;
}

const NONE: ConsumerOutcome = { credentials: [], obstacles: [], invalid: '' };
/** A shorter key can be guessed from its digest. */
const MIN_KEY_CHARACTERS = 16;
const MIN_SECRET_BYTES = 16;
const PRINTABLE = /^[\x21-\x7e]+$/;
const DIGEST = /^sha256:([0-9a-fA-F]{64})$/;

/** Key: `<namespace>/<name>`. Counts every identity of its credentials, so that conflicts are found without reading other Consumers. */
export const consumerUnit: UnitKind<ConsumerOutcome> = {
  name: 'consumer',
  stage: 'leaf',
  fallback: () => NONE,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const consumer = view.object('Consumer', namespace, name);
    if (consumer === undefined) return valueOnly(NONE);
    const invalid = checkConsumer(consumer).map(describeError).join('; ');
    const resolved = consumer.spec.credentials.map((credential, i) => resolve(view, namespace, credential, `spec.credentials[${i}]`));
    const credentials = resolved.flatMap(({ credential }) => credential);
    const outcome = { credentials, obstacles: resolved.flatMap(({ obstacles }) => obstacles), invalid };
    const counters = credentials.flatMap(({ credential }) => identityCounter(namespace, credential) ?? []);
    return { ...valueOnly(outcome), counters };
  },
};

/** The counter of the Consumers with the identity of a credential; null if the identity is not known. */
export function identityCounter(namespace: string, credential: ConsumerCredential): string | null {
  if (credential.type === 'ApiKey' && credential.digest === '') return null;
  return `consumer ${namespace} ${identityOf(credential)}`;
}

/** A credential, and what is wrong with it. Both: the value of an unreadable Secret stays in use. */
interface Resolved {
  readonly credential: readonly ResolvedCredential[];
  readonly obstacles: readonly ConsumerObstacle[];
}

/** The form of a value for proxies, or what is wrong with it. */
type Convert = (value: Buffer) => Result<string>;

/** A credential whose value is in a Secret. */
interface FromSecret {
  readonly ref: { readonly secretRef: { readonly name: string }; readonly key: string };
  readonly convert: Convert;
  readonly credentialWith: (source: string, value: string) => ConsumerCredential;
}

function resolve(view: View, namespace: string, spec: Spec, field: string): Resolved {
  const stored = storedIn(spec);
  const found = stored === null ? withoutSecret(spec) : null;
  if (found !== null) return found.ok ? usable(spec, field, found.value) : unusable('InvalidValue', `${field}.${found.error}`);
  return stored === null ? { credential: [], obstacles: [] } : fromSecret(view, namespace, { spec, field, stored });
}

function usable(spec: Spec, field: string, credential: ConsumerCredential): Resolved {
  const period = {
    ...(spec.notBefore === undefined ? {} : timeOf('notBefore', spec.notBefore)),
    ...(spec.expires === undefined ? {} : timeOf('expires', spec.expires)),
  };
  return { credential: [{ field, credential: { ...credential, ...period } }], obstacles: [] };
}

function timeOf(name: 'notBefore' | 'expires', text: string): Partial<Record<typeof name, number>> {
  const time = Date.parse(text);
  return Number.isNaN(time) ? {} : { [name]: time };
}

function unusable(reason: ConsumerObstacle['reason'], message: string): Resolved {
  return { credential: [], obstacles: [{ reason, message }] };
}

/** How the value of a credential is kept; null for one without a Secret. */
function storedIn({ apiKey, basic, hmac }: Spec): FromSecret | null {
  if (apiKey !== undefined)
    return { ref: apiKey, convert: digestOf, credentialWith: (source, digest) => ({ type: 'ApiKey', source, digest }) };
  if (basic !== undefined) {
    const { username } = basic;
    return {
      ref: basic,
      convert: (value) => hashOf(value, username),
      credentialWith: (source, hash) => ({ type: 'Basic', source, username, hash }),
    };
  }
  if (hmac === undefined) return null;
  return { ref: hmac, convert: secretOf, credentialWith: (source, secret) => ({ type: 'Hmac', source, keyId: hmac.keyId, secret }) };
}

function fromSecret(view: View, namespace: string, { spec, field, stored }: { spec: Spec; field: string; stored: FromSecret }): Resolved {
  const { ref, convert, credentialWith } = stored;
  const { name } = ref.secretRef;
  const id = `Secret/${namespace}/${name}`;
  const source = `${name}/${ref.key}`;
  const secret = view.object('Secret', namespace, name);
  if (secret === undefined) {
    const reason = view.whyUnreadable('Secret', namespace, name);
    if (reason === undefined) return unusable('NotFound', `${field}: ${id} does not exist`);
    const message = `${field}: ${id} cannot be read: ${reason}; proxies keep the value that they have`;
    return { ...usable(spec, field, credentialWith(source, '')), obstacles: [{ reason: 'Unreadable', message }] };
  }
  const value = bytesIn(secret, ref.key);
  if (value === null) return unusable('KeyNotFound', `${field}: ${id} has no key ${ref.key}${hintOf(secret, ref.key)}`);
  const converted = convert(value);
  if (!converted.ok) return unusable('InvalidValue', `${field}: ${id}, key ${ref.key}, ${converted.error}`);
  return usable(spec, field, credentialWith(source, converted.value));
}

function bytesIn({ data, stringData }: Secret, key: string): Buffer | null {
  if (Object.hasOwn(stringData, key)) return Buffer.from(stringData[key] ?? '');
  return Object.hasOwn(data, key) ? Buffer.from(data[key] ?? '', 'base64') : null;
}

function hintOf({ data, stringData }: Secret, key: string): string {
  const keys = [...new Set([...Object.keys(data), ...Object.keys(stringData)])].sort();
  return didYouMean(key, keys) || (keys.length === 0 ? '; it is empty' : `; its keys are ${keys.join(', ')}`);
}

/** Editors and `echo` add a newline, which no header can have. */
function digestOf(value: Buffer): Result<string> {
  const key = value.toString().trim();
  const digest = DIGEST.exec(key)?.[1];
  if (digest !== undefined) return ok(digest.toLowerCase());
  if (key.startsWith('sha256:')) return err('has a digest that is not `sha256:` with 64 hexadecimal digits');
  if (key.length < MIN_KEY_CHARACTERS) return err(`has an API key of ${key.length} characters; at least ${MIN_KEY_CHARACTERS} are needed`);
  if (isDamagedApiKey(key)) return err('has an API key whose checksum is wrong: it is cut off, or mistyped');
  if (!PRINTABLE.test(key)) return err('has an API key with spaces, or characters that are not ASCII');
  return ok(createHash('sha256').update(key).digest('hex'));
}

/** A hash, or a htpasswd file with the user. */
function hashOf(value: Buffer, username: string): Result<string> {
  const text = value.toString().trim();
  const hash = parsePasswordHash(text);
  if (hash.ok) return ok(text);
  if (!/^[^:\n]+:/.test(text) && !text.includes('\n')) return err(hash.error);
  const { users, problems } = parseHtpasswd(text);
  const found = users.get(username);
  if (found !== undefined) return ok(found.text);
  const problem = problems.find(({ user }) => user === username);
  if (problem !== undefined) return err(`line ${problem.line}, ${problem.reason}`);
  return err(`has no line for the user ${username}${didYouMean(username, users.keys())}`);
}

function secretOf(value: Buffer): Result<string> {
  if (value.length >= MIN_SECRET_BYTES) return ok(value.toString('base64'));
  return err(`has a secret of ${value.length} bytes; at least ${MIN_SECRET_BYTES} are needed`);
}

/** Null if the credential has no known type, which is a broken rule. */
function withoutSecret({ jwt, certificate, publicKey }: Spec): Result<ConsumerCredential> | null {
  if (jwt !== undefined) return ok({ type: 'Jwt', issuer: jwt.issuer, claim: jwt.claim, value: jwt.value });
  if (certificate !== undefined) return certificateOf(certificate);
  if (publicKey === undefined) return null;
  try {
    createPublicKey(publicKey.pem);
    return ok({ type: 'PublicKey', keyId: publicKey.keyId, pem: publicKey.pem });
  } catch {
    return err('publicKey.pem is no PEM public key that can be read');
  }
}

function certificateOf(certificate: NonNullable<Spec['certificate']>): Result<ConsumerCredential> | null {
  const field = CERTIFICATE_FIELDS.find((name) => certificate[name] !== undefined);
  if (field === undefined) return null;
  const value = certificate[field] ?? '';
  if (field === 'subject') return ok({ type: 'Certificate', field, value: normaliseName(value) });
  if (field === 'fingerprint') return ok({ type: 'Certificate', field, value: value.replaceAll(':', '').toLowerCase() });
  return ok({ type: 'Certificate', field, value: field === 'dnsName' ? value.toLowerCase() : value });
}

/** Whether the Consumer is sent as one whose credentials are all refused. */
export function isRefused({ spec }: Consumer, { invalid }: ConsumerOutcome): boolean {
  return spec.disabled || invalid !== '';
}
