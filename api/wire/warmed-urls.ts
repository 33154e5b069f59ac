// What proxies tell of URLs that they have requested to fill their caches: lines of JSON in the answer to the command `warmCache`, one for each
// URL of each worker.
import { Type, type Static } from '#lib/typebox.ts';
import { fits } from '#lib/json-schema.ts';
import { MAX_REASON, MAX_WARMED_URLS } from './telemetry-limits.ts';

/**
 * The result for a URL, the worst first. `failed`: there is no answer, or an error of the proxy. `unstored`: the answer may not be stored.
 * `stored`: it is stored now. `found`: it was stored before. `unrouted`: the proxy has no route for the URL.
 */
export const WARM_OUTCOMES = ['failed', 'unstored', 'stored', 'found', 'unrouted'] as const;
export type WarmOutcome = (typeof WARM_OUTCOMES)[number];

const WarmLine = Type.Object({
  /** The place of the URL in the command. */
  index: Type.Integer({ minimum: 0, maximum: MAX_WARMED_URLS - 1 }),
  outcome: Type.Enum([...WARM_OUTCOMES]),
  /** Of the answer; 0 without one. */
  status: Type.Integer({ minimum: 0, maximum: 599 }),
  /** Why the answer is not stored; '' if it is. */
  reason: Type.String({ maxLength: MAX_REASON }),
});

/** A requested URL. */
export type WarmLine = Readonly<Static<typeof WarmLine>>;

/** Whether a proxy may say so. */
export function isWarmLine(line: unknown): line is WarmLine {
  return fits(WarmLine, line);
}

/** The one of two results of a URL that counts: the worse one. */
export function worse<L extends Pick<WarmLine, 'outcome'>>(known: L | undefined, line: L): L {
  if (known === undefined) return line;
  return WARM_OUTCOMES.indexOf(line.outcome) < WARM_OUTCOMES.indexOf(known.outcome) ? line : known;
}
