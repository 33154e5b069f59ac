// Chooses which certificate pair of a TLS Secret is served: the one in the Secret, or the previous one if that is not usable. Keeps
// the pairs in the outputs as long as they are there; a Secret without references leaves nothing behind.
import type { Secret } from '#api/ir/ir.ts';
import { expiryOf, hasExpired } from '#lib/certificate-expiry.ts';
import { pairRemark } from './tls-pair.ts';

/** The content of a Secret. */
export interface OfferedPair {
  /** `<namespace>/<name>` of the Secret. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Why the pair is not usable; null if it loads. */
  readonly problem: string | null;
}

/**
 * Which pair is served: `own`, the one in the Secret, even if it has expired; `former`, the previous one; or `unknown`: the controller
 * knows no usable pair, and proxies keep theirs, if any.
 */
export type ServedPair = 'own' | 'former' | 'unknown';

/** A Secret in the form for proxies, and the choice. */
export interface PairChoice {
  readonly secret: Secret;
  readonly pair: ServedPair;
  /** The flaw of a pair that is served anyway; null without one. */
  readonly remark: string | null;
}

/** Counts of the pairs in use. */
export interface PairCounts {
  /** Number of Secrets whose pair is not usable or has expired. */
  readonly problems: number;
  /** The expiry of each pair in use, milliseconds since the epoch by Secret (`<namespace>/<name>`). */
  readonly expiries: ReadonlyMap<string, number>;
}

/** A Secret in the outputs. */
interface Kept {
  readonly secret: Secret;
  readonly expiry: number | null;
}

export class KeptPairs {
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  /** `now`: milliseconds since the epoch. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Chooses the pair of a Secret. An expired pair may replace an expired one, but not a valid one. */
  choose({ key, certificate, privateKey, problem }: OfferedPair): PairChoice {
    const own: Secret = { kind: 'Secret', key, certificate, privateKey };
    const before = this.#kept.get(key);
    if (problem !== null) return this.#withoutOwn(key, problem, before);
    if (!hasExpired(certificate, this.#now())) return { secret: own, pair: 'own', remark: pairRemark(certificate, this.#now()) };
    const expired = `holds a certificate that expired at ${textOf(expiryOf(certificate))}`;
    if (before === undefined || before.expiry === null || before.expiry < this.#now())
      return { secret: { ...own, problem: expired }, pair: 'own', remark: null };
    return this.#withoutOwn(key, expired, before);
  }

  /** Keeps a Secret of the outputs. */
  put(secret: Secret): void {
    this.#kept.set(secret.key, { secret, expiry: expiryOf(secret.certificate) });
  }

  /** Drops a Secret that left the outputs. */
  remove(key: string): void {
    this.#kept.delete(key);
  }

  get counts(): PairCounts {
    const kept = [...this.#kept.values()];
    const expired = (expiry: number | null) => expiry !== null && expiry < this.#now();
    return {
      problems: kept.filter(({ secret, expiry }) => secret.problem !== undefined || expired(expiry)).length,
      expiries: new Map(kept.flatMap(({ secret, expiry }): [string, number][] => (expiry === null ? [] : [[secret.key, expiry]]))),
    };
  }

  #withoutOwn(key: string, problem: string, before: Kept | undefined): PairChoice {
    if (before === undefined || before.secret.certificate === '')
      return { secret: { kind: 'Secret', key, certificate: '', privateKey: '', problem }, pair: 'unknown', remark: null };
    const { secret, expiry } = before;
    const until = expiry !== null && expiry < this.#now() ? 'has expired at' : 'is valid until';
    const told = `${problem}; the previous pair stays in use and ${until} ${textOf(expiry)}`;
    return { secret: { ...secret, problem: told }, pair: 'former', remark: null };
  }
}

function textOf(time: number | null): string {
  return time === null ? 'a time that cannot be read' : new Date(time).toISOString();
}
