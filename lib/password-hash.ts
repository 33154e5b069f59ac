// The hashes of passwords that Weir verifies: bcrypt, argon2 and, for existing htpasswd files, SHA-1. Reads and checks their texts only.
import { err, ok, type Result } from './result.ts';

/** A hash that can be verified. `text` is the whole hash. */
export type PasswordHash =
  | { readonly type: 'bcrypt'; readonly text: string }
  | { readonly type: 'sha1'; readonly text: string; readonly digest: Buffer }
  | ({ readonly type: 'argon2'; readonly text: string } & Argon2);

/** The parameters of argon2 (RFC 9106); memory in KiB. */
export interface Argon2 {
  readonly algorithm: 'argon2d' | 'argon2i' | 'argon2id';
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

const BCRYPT = /^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$/;
const ARGON2 = /^\$(argon2(?:d|i|id))\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/;
const SHA1 = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;

/** A verification must end in about a second, and must not take the memory of the proxy. */
const COSTS = { minimum: 4, maximum: 14 };
const MAX_MEMORY_KIB = 256 * 1024;
const MAX_PASSES = 20;
const MAX_PARALLELISM = 16;

const REMEDY = 'make a bcrypt hash with `htpasswd -nB NAME`';

/** Reads a hash. The error completes "the hash ..." or "the Secret ..."; it never has a part of the text. */
export function parsePasswordHash(text: string): Result<PasswordHash> {
  const bcrypt = BCRYPT.exec(text);
  if (bcrypt !== null) return bcryptOf(text, Number(bcrypt[1]));
  const sha1 = SHA1.exec(text);
  if (sha1 !== null) return ok({ type: 'sha1', text, digest: Buffer.from(sha1[1] ?? '', 'base64') });
  const argon2 = ARGON2.exec(text);
  return argon2 === null ? err(refusalOf(text)) : argon2Of(text, argon2);
}

function bcryptOf(text: string, cost: number): Result<PasswordHash> {
  if (cost >= COSTS.minimum && cost <= COSTS.maximum) return ok({ type: 'bcrypt', text });
  return err(`has a bcrypt hash of cost ${cost}; Weir verifies costs from ${COSTS.minimum} to ${COSTS.maximum}`);
}

function argon2Of(text: string, [, algorithm, m, t, p, salt = '', tag = '']: readonly (string | undefined)[]): Result<PasswordHash> {
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)];
  if (memory > MAX_MEMORY_KIB) return err(`has an argon2 hash with m=${memory}; Weir verifies up to m=${MAX_MEMORY_KIB} (KiB)`);
  if (passes < 1 || passes > MAX_PASSES) return err(`has an argon2 hash with t=${passes}; Weir verifies t from 1 to ${MAX_PASSES}`);
  if (parallelism < 1 || parallelism > MAX_PARALLELISM || memory < 8 * parallelism)
    return err(`has an argon2 hash with p=${parallelism}; Weir verifies p from 1 to ${MAX_PARALLELISM}, with m of at least 8 times p`);
  const parameters = { memory, passes, parallelism, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
  return ok({ type: 'argon2', text, algorithm: algorithm as Argon2['algorithm'], ...parameters });
}

/** The beginnings of hashes that are too weak or unknown. */
const REFUSED: readonly (readonly [beginning: string, name: string])[] = [
  ['$apr1$', 'an MD5 hash (apr1), which is too weak'],
  ['$1$', 'an MD5 hash (crypt), which is too weak'],
  ['$5$', 'a SHA-256 hash (crypt), which Weir does not verify'],
  ['$6$', 'a SHA-512 hash (crypt), which Weir does not verify'],
  ['$y$', 'a yescrypt hash, which Weir does not verify'],
  ['{SSHA}', 'a salted SHA-1 hash, which Weir does not verify'],
  ['$argon2', 'an argon2 hash that is incomplete, or of another version than v=19'],
  ['$2', 'a bcrypt hash that is incomplete, or of another kind than 2a, 2b and 2y'],
  ['{SHA}', 'a SHA-1 hash that is incomplete'],
];

function refusalOf(text: string): string {
  if (text === '') return `has no hash; ${REMEDY}`;
  const known = REFUSED.find(([beginning]) => text.startsWith(beginning));
  // A hash of crypt(3) looks like any text of 13 characters.
  return `has ${known?.[1] ?? 'a plain password or a hash of crypt(3)'}; ${REMEDY}`;
}
