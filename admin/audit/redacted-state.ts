// The state of an object as the audit log keeps it: without secrets, and of limited size.
import { hash } from 'node:crypto';
import { canonicalJson, isDeeperThan, isList, isObject, membersOf, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { REDACTED, Redactor } from '#lib/redaction/redactor.ts';

/** Members of the admin's own objects, besides the names that `lib/redaction` knows. Mail addresses name users, so they stay. */
const REDACTOR = new Redactor({
  names: ['passwordHash', 'tokenHash', 'secretHash', 'hash', 'salt', 'totp', 'totpKey', 'recoveryCodes'],
  forms: ['Cards', 'Tokens'],
});

/** Members of Secrets whose values are secret, whatever their names. */
const SECRET_DATA: readonly string[] = ['data', 'stringData'];

/** A copy of the whole object, which `kubectl apply` writes. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Members of references. `key` is the name of an entry of a Secret, if the Secret is named beside it. */
const REFERENCE: ReadonlySet<string> = new Set(['name', 'namespace', 'kind', 'group', 'sectionName', 'secretRef', 'valueFrom']);

/** Deeper values are hidden. */
const MAX_DEPTH = 64;
/** A state with more levels is hidden as a whole: the built-in functions for JSON call themselves for each level. */
const MAX_LEVELS = 1_000;
/** A larger state is replaced by its size and its hash, characters of its canonical JSON. */
const MAX_STATE = 262_144;

/**
 * The state of an object of this kind, for an entry. Values of Secrets, values under names of secrets, and texts that look like tokens or
 * card numbers are hidden; references to Secrets are not. The result has well-formed texts only.
 */
export function redactedState(kind: string, state: unknown): JsonValue {
  if (state === null || state === undefined) return null;
  if (isDeeperThan(state as JsonValue, MAX_LEVELS)) return REDACTED;
  // A value outside of JSON, such as a date, becomes that of its JSON.
  const plain = JSON.parse(JSON.stringify(state) ?? 'null') as JsonValue;
  const clean = withoutSecrets(kind, plain);
  const text = canonicalJson(clean);
  return text.length <= MAX_STATE ? clean : { tooLarge: { characters: text.length, sha256: hash('sha256', text, 'hex') } };
}

/** As redactedState, of any size. It has at most 1,000 levels. */
export function withoutSecrets(kind: string, value: JsonValue): JsonValue {
  if (kind.toLowerCase() !== 'secret' || !isObject(value)) return shown(value, 0);
  const members = membersOf(value).map(([name, member]) => [name, SECRET_DATA.includes(name) ? hidden(member) : member] as const);
  return shown(Object.fromEntries(members), 0);
}

/** All texts and numbers are hidden; names of members stay. */
function hidden(value: JsonValue): JsonValue {
  if (isList(value)) return value.map(hidden);
  if (isObject(value)) return Object.fromEntries(membersOf(value).map(([name, member]) => [wellFormed(name), hidden(member)]));
  return value === null || typeof value === 'boolean' ? value : REDACTED;
}

function shown(value: JsonValue, depth: number): JsonValue {
  if (typeof value === 'string') return wellFormed(REDACTOR.text(value));
  if (value === null || typeof value !== 'object') return value;
  if (depth === MAX_DEPTH) return REDACTED;
  if (isList(value)) return value.map((entry) => shown(entry, depth + 1));
  // A header or a variable as a pair: its name tells whether its value is secret.
  const { name: pairName } = value;
  const isSecretPair = typeof pairName === 'string' && isSecret(pairName);
  return objectOf(value, (name, member) =>
    isSecret(name) || (isSecretPair && name === 'value') ? secret(member, depth + 1) : shown(member, depth + 1),
  );
}

/** Below the name of a secret only references are shown. */
function secret(value: JsonValue, depth: number): JsonValue {
  if (depth === MAX_DEPTH || value === null || typeof value !== 'object') return hidden(value);
  if (isList(value)) return value.map((entry) => secret(entry, depth + 1));
  const isReference = Object.hasOwn(value, 'name');
  return objectOf(value, (name, member) =>
    REFERENCE.has(name) || (isReference && name === 'key') ? shown(member, depth + 1) : secret(member, depth + 1),
  );
}

function isSecret(name: string): boolean {
  return name === LAST_APPLIED || REDACTOR.hides(name);
}

function objectOf(value: JsonObject, member: (name: string, value: JsonValue) => JsonValue): JsonObject {
  return Object.fromEntries(membersOf(value).map(([name, each]) => [wellFormed(name), member(name, each)]));
}

/** PostgreSQL and RFC 8785 refuse halves of surrogate pairs. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}
