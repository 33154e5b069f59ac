// Asks for units of limits on the telemetry stream.
import type { Algorithm } from '#lib/limit/algorithm.ts';
import { CALENDAR_UNITS } from '#lib/limit/calendar.ts';
import type { Ask } from '#lib/limit/share.ts';
import type { AskMessage } from './telemetry-messages.ts';

/** The message of an ask. */
export function askMessage({ terms: { id, algorithm }, ...rest }: Ask): AskMessage {
  const { kind, limit, periodMs = 0, burst = 0, unit = '' } = algorithm as Partial<Record<'periodMs' | 'burst', number>> & AlgorithmWords;
  return { ...rest, id, algorithm: kind, limit, periodMs: Math.round(periodMs), burst, unit };
}

interface AlgorithmWords {
  readonly kind: string;
  readonly limit: number;
  readonly unit?: string;
}

/** The ask of a valid message; null for an algorithm that this release does not know. */
export function askOf({ id, algorithm: kind, limit, periodMs, burst, unit, ...rest }: AskMessage): Ask | null {
  const algorithm = algorithmOf(kind, { limit, periodMs, burst, unit });
  return algorithm === null ? null : { ...rest, terms: { id, algorithm } };
}

function algorithmOf(
  kind: string,
  { limit, periodMs, burst, unit }: Pick<AskMessage, 'limit' | 'periodMs' | 'burst' | 'unit'>,
): Algorithm | null {
  if (kind === 'Concurrency') return { kind, limit };
  const known = CALENDAR_UNITS.find((each) => each === unit);
  if (kind === 'Quota') return known === undefined ? null : { kind, limit, unit: known };
  if (periodMs === 0) return null;
  if (kind === 'SlidingWindow' || kind === 'FixedWindow') return { kind, limit, periodMs };
  return kind === 'TokenBucket' && burst > 0 ? { kind, limit, periodMs, burst } : null;
}
