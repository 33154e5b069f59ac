// Checks a selection: labels that a metric does not have, and times that make no sense.
import { didYouMean } from '#lib/nearest.ts';
import { WINDOW_METRICS } from './reader.ts';
import type { Selection } from './reader.ts';

/** Intervals of a history. */
export const MAX_INTERVALS = 720;

/** The fault in a selection, or null. */
export function mistakeIn({ metric, where = [], by = [], rangeMs, offsetMs = 0 }: Selection): string | null {
  if (!Object.hasOwn(WINDOW_METRICS, metric))
    return `there is no metric ${JSON.stringify(metric)}${didYouMean(metric, Object.keys(WINDOW_METRICS))}`;
  const known: readonly string[] = WINDOW_METRICS[metric].labels;
  const stranger = [...where.map(({ label }) => label), ...by].find((label) => !known.includes(label));
  if (stranger !== undefined) return `${metric} has no label ${JSON.stringify(stranger)}; it has ${known.join(', ')}`;
  if (!(rangeMs > 0 && offsetMs >= 0)) return 'a range must be longer than 0, and an offset not below 0';
  return null;
}
