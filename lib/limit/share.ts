// Shares of a limit: a lender counts for all, and borrowers take units of it in advance, so that most requests are decided without a question.
//
// A borrower asks for the units of its waiting requests, and for a stock beyond them if the key is busy. All stocks together are at most a
// small share of the limit, and none of a small limit: so the limit is never exceeded by more than that share, and a small one is exact.
import type { Algorithm } from './algorithm.ts';

/** A limit, as lenders and borrowers know it. */
export interface Terms {
  /** Names the limit and its settings: other settings are another limit. */
  readonly id: string;
  readonly algorithm: Algorithm;
  /** Without a lender for longer than a lease lasts nothing is allowed. */
  readonly isStrict?: true;
}

/** What a borrower asks for one key of a limit. */
export interface Ask {
  readonly terms: Terms;
  readonly key: string;
  /** For requests that wait. */
  readonly wanted: number;
  /** The most that one of them costs; at least 1. */
  readonly largest: number;
  /** For later requests, at most; and what the borrower still has for them. */
  readonly extra: number;
  readonly stock: number;
  /** Units of former answers that were not used. */
  readonly returned: number;
  /** Units that were used without being lent. */
  readonly charged: number;
  /** Units that were lent by another lender and still count. */
  readonly used: number;
}

/** The answer. */
export interface Lend {
  /** That of the terms. */
  readonly id: string;
  readonly key: string;
  readonly granted: number;
  /** As Meter.left, resetMs and waitMs (of the largest cost), after this grant. */
  readonly left: number;
  readonly resetMs: number;
  readonly waitMs: number;
  /** The lender does not lend yet: it still learns what was used before it. */
  readonly learning: boolean;
  /** A sublender has had no lender for longer than a lease lasts. */
  readonly away?: true;
}

/** A lease lasts so long: without a sign of the lender a borrower goes on with its share until then, milliseconds. */
export const LEASE_MS = 5_000;

/** Stocks go back after this time without use, milliseconds; sooner for short periods. */
const STOCK_MS = 1_000;
/** Of the period. */
const STOCK_SHARE = 0.1;

/** How long a borrower may keep a stock, milliseconds. */
export function stockMs(algorithm: Algorithm): number {
  return 'periodMs' in algorithm ? Math.min(STOCK_MS, algorithm.periodMs * STOCK_SHARE) : STOCK_MS;
}
