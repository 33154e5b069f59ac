// Sizes as users write them (`65536`, `64Ki`, `10M`) and as the code uses them (bytes).
import { err, ok, type Result } from './result.ts';

/** The form of a size: a whole number with at most one suffix of a Kubernetes quantity. */
export const SIZE_PATTERN = '^[0-9]{1,15}(Ki|Mi|Gi|k|M|G)?$';
const SIZE = new RegExp(SIZE_PATTERN);

const UNITS: ReadonlyMap<string, number> = new Map([
  ['Ki', 1_024],
  ['Mi', 1_048_576],
  ['Gi', 1_073_741_824],
  ['k', 1_000],
  ['M', 1_000_000],
  ['G', 1_000_000_000],
]);

/** Parses a size into bytes, or returns the reason why it is not one. */
export function parseSize(size: string | number): Result<number> {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? ok(size) : err('must be a whole number of bytes');
  if (!SIZE.test(size)) return err('must be a size like 65536, 64Ki or 10M');
  const digits = /^[0-9]+/.exec(size)?.[0] ?? '';
  const bytes = Number(digits) * (UNITS.get(size.slice(digits.length)) ?? 1);
  return Number.isSafeInteger(bytes) ? ok(bytes) : err('is larger than any number of bytes');
}

/** Formats a whole number of bytes in binary units, as short as possible. The inverse of parseSize. */
export function formatSize(bytes: number): string {
  for (const suffix of ['Gi', 'Mi', 'Ki']) {
    const unit = UNITS.get(suffix) ?? 1;
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${suffix}`;
  }
  return String(bytes);
}
