// Durations as users write them (GEP-2257: `10s`, `1h30m`, `100ms`) and as the code uses them (milliseconds).
import { err, ok, type Result } from './result.ts';

/** GEP-2257: one to four numbers of up to five digits, each with its unit. */
const DURATION = /^(?:[0-9]{1,5}(?:h|m|s|ms)){1,4}$/;
const PART = /([0-9]+)(ms|h|m|s)/g;

const UNITS: ReadonlyMap<string, number> = new Map([
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]);

/** Parses a GEP-2257 duration into milliseconds, or returns the reason why it is not one. */
export function parseDuration(text: string): Result<number> {
  if (!DURATION.test(text)) return err('must be a duration like 10s, 1h30m or 100ms');
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * (UNITS.get(unit ?? '') ?? 0);
  return ok(ms);
}

/** Formats a whole, non-negative number of milliseconds in the largest units that fit. The inverse of parseDuration. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text === '' ? '0s' : text;
}
