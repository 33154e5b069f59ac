// Decisions that are used again for equal questions: bounded in number and bytes, denials for a shorter time, one question at a time.
import { hash } from 'node:crypto';
import { ExpiringMemory } from '#lib/expiring-memory.ts';
import { hasHeader } from '../../exchange/headers.ts';
import type { Decision } from './decision.ts';

export interface DecisionCacheOptions {
  /** How long an allowed request is remembered, milliseconds; null: only as long as the service says. */
  readonly ttl: number | null;
  /** How long a denied one is. */
  readonly deniedTtl: number;
  readonly entries: number;
  /** A clock in milliseconds; for tests. */
  readonly now?: () => number;
}

/** Denials have bodies. */
const MAX_BYTES = 16_777_216;
const ENTRY_BYTES = 256;
/** A service that allows more is not believed: a revocation must have an effect at some time. */
const LONGEST = 3_600_000;

export class DecisionCache {
  readonly #options: DecisionCacheOptions;
  readonly #now: () => number;
  /** By digest, so that no credential stays in memory. */
  readonly #known: ExpiringMemory<Decision>;
  readonly #underWay = new Map<string, Promise<Decision>>();

  constructor(options: DecisionCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#known = new ExpiringMemory({ entries: options.entries, bytes: MAX_BYTES });
  }

  get size(): number {
    return this.#known.size;
  }

  /** The decision for a question, from the memory, from another exchange that asks the same now, or from the service. */
  async decide(question: readonly string[], ask: () => Promise<Decision>): Promise<Decision> {
    const key = hash('sha256', JSON.stringify(question), 'base64');
    const known = this.#known.find(key, this.#now());
    if (known !== undefined) return known;
    const other = this.#underWay.get(key);
    if (other !== undefined) {
      const decision = await other;
      // What must not be remembered must not be shared either: a cookie is for one client.
      return this.#lifetime(decision) > 0 || decision.type === 'none' ? decision : ask();
    }
    const asked = ask();
    this.#underWay.set(key, asked);
    try {
      const decision = await asked;
      this.#remember(key, decision);
      return decision;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #remember(key: string, decision: Decision): void {
    const bytes = bytesOf(decision);
    if (bytes > MAX_BYTES / 64) return;
    const now = this.#now();
    this.#known.enter(key, decision, now, now + this.#lifetime(decision), bytes);
  }

  /** Milliseconds; 0: not at all. */
  #lifetime(decision: Decision): number {
    if (decision.type !== 'allowed' && decision.type !== 'denied') return 0;
    if (setsCookie(decision)) return 0;
    const { ttl, deniedTtl } = this.#options;
    const longest = decision.type === 'allowed' ? (ttl ?? LONGEST) : deniedTtl;
    if (decision.maxAge !== null) return Math.min(decision.maxAge, longest, LONGEST);
    return ttl === null ? 0 : longest;
  }
}

function setsCookie(decision: Extract<Decision, { readonly type: 'allowed' | 'denied' }>): boolean {
  if (decision.type === 'denied') return hasHeader(decision.headers, 'set-cookie');
  return hasHeader(decision.toClient.set, 'set-cookie') || hasHeader(decision.toClient.append, 'set-cookie');
}

function bytesOf(decision: Decision): number {
  if (decision.type === 'denied') return ENTRY_BYTES + decision.body.length + lengthOf(decision.headers);
  if (decision.type !== 'allowed') return ENTRY_BYTES;
  const { toBackend, toClient, claims } = decision;
  const own = [toBackend.set, toBackend.append, toClient.set, toClient.append].reduce((sum, list) => sum + lengthOf(list), 0);
  return ENTRY_BYTES + own + JSON.stringify(claims).length;
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}
