// Parts of a whole stored answer (RFC 9110 section 14).
import { getHeader } from '../exchange/headers.ts';

/** The bytes from `start` to before `end`; `unsatisfiable`: the answer has none of them; null: the whole is the answer. */
export type RangeOutcome = { readonly start: number; readonly end: number } | 'unsatisfiable' | null;

const RANGE = /^bytes=(?:([0-9]{1,15})-([0-9]{0,15})|-([0-9]{1,15}))$/;

/** The part that a request asks for. Several parts, other units and invalid ranges get the whole. */
export function rangeOf(requestHeaders: readonly string[], stored: readonly string[], length: number): RangeOutcome {
  const asked = getHeader(requestHeaders, 'range');
  const range = asked === null ? null : RANGE.exec(asked);
  if (range === null || !isUnchanged(getHeader(requestHeaders, 'if-range'), stored)) return null;
  const [, first, last = '', suffix] = range;
  return suffix === undefined ? fromStart(Number(first), last, length) : fromEnd(Number(suffix), length);
}

function fromStart(start: number, last: string, length: number): RangeOutcome {
  if (last !== '' && Number(last) < start) return null;
  return start >= length ? 'unsatisfiable' : { start, end: last === '' ? length : Math.min(length, Number(last) + 1) };
}

function fromEnd(count: number, length: number): RangeOutcome {
  return count === 0 || length === 0 ? 'unsatisfiable' : { start: Math.max(0, length - count), end: length };
}

/** If-Range: only a strong validator promises that parts fit together (RFC 9110 section 13.1.5). */
function isUnchanged(condition: string | null, stored: readonly string[]): boolean {
  if (condition === null) return true;
  if (condition.startsWith('"')) return condition === getHeader(stored, 'etag');
  return condition === getHeader(stored, 'last-modified') && isStrongTime(stored);
}

/** A time is strong if the answer was made at least a second after it (RFC 9110 section 8.8.2.2). */
function isStrongTime(stored: readonly string[]): boolean {
  const changed = Date.parse(getHeader(stored, 'last-modified') ?? '');
  const date = Date.parse(getHeader(stored, 'date') ?? '');
  return date - changed >= 1_000;
}
