// Verifies passwords against slow hashes without blocking the event loop: in a bounded queue, with a cache of successes, so that Basic
// authentication costs a tenth of a second per user and minute, not per request.
import { createHmac, hash as digestOf, randomBytes, timingSafeEqual } from 'node:crypto';
import { matchesArgon2 } from '#lib/argon2.ts';
import { parsePasswordHash, type PasswordHash } from '#lib/password-hash.ts';
import { Bcrypt } from './bcrypt.ts';

/** `busy`: the queue is full, or the verification has taken too long; the caller answers 503. */
export type PasswordVerdict = 'match' | 'mismatch' | 'busy';

/** The settings of a verifier. */
export interface PasswordsOptions {
  /** Verifications at the same time. */
  readonly parallel?: number;
  /** Verifications that wait. */
  readonly waiting?: number;
  /** How long a verification may take with its wait, milliseconds. */
  readonly timeout?: number;
  /** How long a success is remembered, milliseconds. */
  readonly remember?: number;
  /** Successes that are remembered. */
  readonly remembered?: number;
  /** A clock in milliseconds; for tests. */
  readonly now?: () => number;
}

const DEFAULTS = { parallel: 2, waiting: 100, timeout: 5_000, remember: 60_000, remembered: 10_000, now: () => performance.now() };

/** RFC 7617 has no limit; a longer one would cost memory for nothing. */
const MAX_PASSWORD_BYTES = 1_024;

/** The hash of no password, of the cost that htpasswd and most tools use. */
const DECOY = parsePasswordHash('$2b$10$SrqElluxc4E7Py.RiPXsBOyrU5UybxCu6pEreSfyN1buIdRwQqFf6');

/** A verification that waits. */
interface Waiting {
  readonly run: () => Promise<boolean | null>;
  readonly settle: (verdict: PasswordVerdict) => void;
  readonly timer: NodeJS.Timeout;
}

export class Passwords {
  readonly #options: Required<PasswordsOptions>;
  readonly #bcrypt: readonly Bcrypt[];
  readonly #idle: Bcrypt[];
  readonly #queue: Waiting[] = [];
  /** The cache has no passwords, only codes that are useless outside of this process. */
  readonly #secret = randomBytes(32);
  /** By code: until when a success is remembered, oldest first. */
  readonly #matches = new Map<string, number>();
  /** By code: a verification under way, which others with the same credentials share. */
  readonly #running = new Map<string, Promise<PasswordVerdict>>();

  constructor(options: PasswordsOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#bcrypt = Array.from({ length: this.#options.parallel }, () => new Bcrypt());
    this.#idle = [...this.#bcrypt];
  }

  /**
   * Verifies a password. Null for an unknown user: takes as long as for a known one. The verdict is there at once for a remembered success
   * and for SHA-1.
   */
  verify(hash: PasswordHash | null, password: string): PasswordVerdict | Promise<PasswordVerdict> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return 'mismatch';
    if (hash === null) return this.#verifyDecoy(password);
    if (hash.type === 'sha1') return timingSafeEqual(digestOf('sha1', password, 'buffer'), hash.digest) ? 'match' : 'mismatch';
    const code = createHmac('sha256', this.#secret).update(`${hash.text}\n${password}`).digest('base64');
    if (this.#isRemembered(code)) return 'match';
    return this.#running.get(code) ?? this.#share(code, hash, password);
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#bcrypt.map((thread) => thread.close()));
  }

  async #verifyDecoy(password: string): Promise<PasswordVerdict> {
    if (!DECOY.ok) return 'mismatch';
    const decoy = DECOY.value;
    return (await this.#enqueue(decoy, password)) === 'busy' ? 'busy' : 'mismatch';
  }

  #share(code: string, hash: PasswordHash, password: string): Promise<PasswordVerdict> {
    const running = this.#enqueue(hash, password).then((verdict) => {
      this.#running.delete(code);
      if (verdict === 'match') this.#rememberMatch(code);
      return verdict;
    });
    this.#running.set(code, running);
    return running;
  }

  #isRemembered(code: string): boolean {
    const until = this.#matches.get(code);
    if (until === undefined) return false;
    if (this.#options.now() < until) return true;
    this.#matches.delete(code);
    return false;
  }

  #rememberMatch(code: string): void {
    const [oldest] = this.#matches.keys();
    if (this.#matches.size >= this.#options.remembered && oldest !== undefined) this.#matches.delete(oldest);
    this.#matches.set(code, this.#options.now() + this.#options.remember);
  }

  #enqueue(hash: PasswordHash, password: string): Promise<PasswordVerdict> {
    if (this.#idle.length === 0 && this.#queue.length >= this.#options.waiting) return Promise.resolve('busy');
    return new Promise((settle) => {
      const timer = setTimeout(() => this.#giveUp(waiting), this.#options.timeout);
      const waiting: Waiting = { run: () => this.#compare(hash, password), settle, timer };
      this.#queue.push(waiting);
      this.#next();
    });
  }

  /** One that runs ends by itself, but its caller no longer waits. */
  #giveUp(waiting: Waiting): void {
    const at = this.#queue.indexOf(waiting);
    if (at !== -1) this.#queue.splice(at, 1);
    waiting.settle('busy');
  }

  #next(): void {
    while (this.#idle.length > 0) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      void this.#run(waiting);
    }
  }

  async #run({ run, settle, timer }: Waiting): Promise<void> {
    const matches = await run();
    clearTimeout(timer);
    settle(matches === null ? 'busy' : matches ? 'match' : 'mismatch');
    this.#next();
  }

  /** Takes a slot for the time of the comparison. */
  async #compare(hash: PasswordHash, password: string): Promise<boolean | null> {
    const slot = this.#idle.pop();
    if (slot === undefined) return null;
    try {
      return hash.type === 'argon2' ? await matchesArgon2(hash, password) : await slot.compare(password, hash.text);
    } catch {
      return null;
    } finally {
      this.#idle.push(slot);
    }
  }
}
