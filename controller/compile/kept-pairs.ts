// Which pair of a TLS Secret is served: the one that it holds or, where that cannot be used, the one before. Units ask; the
// Secrets in the outputs are remembered for as long as they are there, so that one that nothing refers to any more leaves nothing behind.
import type { Secret } from '#api/ir/ir.ts';
import { expiryOf, hasExpired } from '#lib/certificate-expiry.ts';

/** What a Secret holds. */
export interface OfferedPair {
  /** `<namespace>/<name>` of the Secret. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Why it cannot be used; null where it loads. */
  readonly problem: string | null;
}

/**
 * What is served of a Secret: the pair that it holds, though that may have expired; the pair before; or none that the controller knows,
 * which leaves proxies with the one that they have, if any.
 */
export type ServedPair = 'own' | 'former' | 'unknown';

/** A Secret as proxies get it, and which pair that is. */
export interface PairChoice {
  readonly secret: Secret;
  readonly pair: ServedPair;
}

/** What there is to count of the pairs in use. */
export interface PairCounts {
  /** Secrets whose pair cannot be used, or has expired. */
  readonly problems: number;
  /** When the first of the pairs in use expires, milliseconds since the epoch; null without any. */
  readonly earliestExpiry: number | null;
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

  /** What is to be served of a Secret. A pair that has expired takes the place of one that has, not of one that is valid. */
  choose({ key, certificate, privateKey, problem }: OfferedPair): PairChoice {
    const own: Secret = { kind: 'Secret', key, certificate, privateKey };
    const before = this.#kept.get(key);
    if (problem !== null) return this.#withoutOwn(key, problem, before);
    if (!hasExpired(certificate, this.#now())) return { secret: own, pair: 'own' };
    const expired = `holds a certificate that expired at ${textOf(expiryOf(certificate))}`;
    if (before === undefined || before.expiry === null || before.expiry < this.#now())
      return { secret: { ...own, problem: expired }, pair: 'own' };
    return this.#withoutOwn(key, expired, before);
  }

  /** Remembers what is in the outputs from now on. */
  put(secret: Secret): void {
    this.#kept.set(secret.key, { secret, expiry: expiryOf(secret.certificate) });
  }

  /** Forgets what is in the outputs no longer. */
  remove(key: string): void {
    this.#kept.delete(key);
  }

  get counts(): PairCounts {
    const kept = [...this.#kept.values()];
    const expiries = kept.flatMap(({ expiry }) => expiry ?? []);
    const expired = (expiry: number | null) => expiry !== null && expiry < this.#now();
    return {
      problems: kept.filter(({ secret, expiry }) => secret.problem !== undefined || expired(expiry)).length,
      earliestExpiry: expiries.length === 0 ? null : Math.min(...expiries),
    };
  }

  #withoutOwn(key: string, problem: string, before: Kept | undefined): PairChoice {
    if (before === undefined || before.secret.certificate === '')
      return { secret: { kind: 'Secret', key, certificate: '', privateKey: '', problem }, pair: 'unknown' };
    const { secret, expiry } = before;
    const until = expiry !== null && expiry < this.#now() ? 'has expired at' : 'is valid until';
    const told = `${problem}; the pair before stays in use and ${until} ${textOf(expiry)}`;
    return { secret: { ...secret, problem: told }, pair: 'former' };
  }
}

function textOf(time: number | null): string {
  return time === null ? 'a time that cannot be read' : new Date(time).toISOString();
}
