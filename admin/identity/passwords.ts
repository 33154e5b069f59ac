// Passwords of users: their rules, and their hashes by argon2id, a few at a time, since each takes 19 MiB and a part of a second.
import { randomBytes } from 'node:crypto';
import { hashArgon2id, matchesArgon2, type Argon2Costs } from '#lib/argon2.ts';
import { parsePasswordHash, type Argon2 } from '#lib/password-hash.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { isCommonPassword } from './common-passwords.ts';

/** The costs that OWASP's cheat sheet on the storage of passwords wants. */
const COSTS: Argon2Costs = { memory: 19_456, passes: 2, parallelism: 1 };
/** Hashes at a time, and those that wait; more are refused. */
const PARALLEL = 2;
const WAITING = 30;

const MIN_LENGTH = 12;
const MAX_LENGTH = 256;
/** Fewer different characters than this are refused. */
const MIN_DIFFERENT = 5;

/** `busy`: too many others wait; the caller answers 503. */
export type PasswordVerdict = 'match' | 'mismatch' | 'busy';

export class Passwords {
  readonly #costs: Argon2Costs;
  /** Stands for the hash of users that do not exist or have no password, and takes as long as theirs. */
  readonly #decoy: Argon2;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(costs: Argon2Costs = COSTS) {
    this.#costs = costs;
    this.#decoy = { ...costs, algorithm: 'argon2id', salt: randomBytes(16), tag: randomBytes(32) };
  }

  /** Verifies a password. Null instead of a hash takes as long, and never matches. */
  async verify(hash: string | null, password: string): Promise<PasswordVerdict> {
    const known = hash === null ? null : argon2Of(hash);
    const matches = await this.#inTurn(() => matchesArgon2(known ?? this.#decoy, password));
    if (matches === null) return 'busy';
    return matches && known !== null ? 'match' : 'mismatch';
  }

  /** The hash of a new password; null: too many others wait. */
  hash(password: string): Promise<string | null> {
    return this.#inTurn(() => hashArgon2id(this.#costs, password));
  }

  /** Whether a hash has other costs than new ones, so that the next login should replace it. */
  isOutdated(hash: string): boolean {
    const known = argon2Of(hash);
    const { memory, passes, parallelism } = this.#costs;
    return known?.algorithm !== 'argon2id' || known.memory !== memory || known.passes !== passes || known.parallelism !== parallelism;
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T | null> {
    if (this.#running >= PARALLEL) {
      if (this.#waiting.length >= WAITING) return null;
      // The task before hands its place over.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** Why a new password is refused; the text completes "the password". */
export function checkPassword(password: string, user: string): Result<string> {
  const length = [...password].length;
  if (length < MIN_LENGTH) return err(`has ${length} characters, and needs ${MIN_LENGTH}`);
  if (length > MAX_LENGTH) return err(`has ${length} characters, and may have ${MAX_LENGTH}`);
  if (new Set(password).size < MIN_DIFFERENT) return err(`has fewer than ${MIN_DIFFERENT} different characters`);
  const lower = password.toLowerCase();
  if (user.length > 2 && lower.includes(user)) return err('has the name of the user in it');
  if (isCommonPassword(password))
    return err('is made of common words, rows of keys, years or repetitions; add words that have nothing to do with each other');
  return ok(password);
}

/** A random password of 130 bits, in the letters and digits of Crockford's base32, which are not mistaken for each other. */
export function makePassword(): string {
  const letters = '0123456789abcdefghjkmnpqrstvwxyz';
  const text = [...randomBytes(26)].map((byte) => letters[byte & 31]).join('');
  return [text.slice(0, 7), text.slice(7, 13), text.slice(13, 20), text.slice(20)].join('-');
}

function argon2Of(text: string): Argon2 | null {
  const hash = parsePasswordHash(text);
  return hash.ok && hash.value.type === 'argon2' ? hash.value : null;
}
