// The keys of limits that a proxy or a controller tells: lines of JSON in the answer to the command `limits`, and after them the number of
// keys without room.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { fits } from '#lib/json-schema.ts';
import { shownKey } from '#lib/limit/key-form.ts';
import { isLimited, rankOf } from '#lib/limit/listing.ts';
import type { KeyState } from '#lib/limit/listing.ts';
import type { KnownLimit } from '../policy/rate-limits.ts';
import { MAX_NAME, MAX_SHOWN_KEY } from './telemetry-limits.ts';

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const LimitKey = Type.Object({
  /** `<namespace>/<policy>/<limit>`. */
  limit: Type.String({ minLength: 1, maxLength: MAX_NAME }),
  /** '' for callers without a plan of the limit. */
  plan: Type.String({ maxLength: MAX_NAME }),
  store: Type.String({ minLength: 1, maxLength: MAX_NAME }),
  /** As operators see it. */
  key: Type.String({ maxLength: MAX_SHOWN_KEY }),
  /** The next request would be refused. */
  limited: Type.Boolean(),
  left: Count,
  of: Count,
  cost: Count,
  /** Milliseconds until everything is left again; -1 if no clock decides. */
  resetMs: Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }),
  /** Milliseconds since it was like that. */
  ageMs: Count,
});

/** A key of a limit. */
export type LimitKey = Readonly<Static<typeof LimitKey>>;

/** A line of the answer. */
export type LimitLine = LimitKey | { readonly more: number };

const LineOrCount = Type.Union([Type.Object({ more: Count }), LimitKey]);

/** Whether a proxy may say so. */
export function isLimitLine(line: unknown): line is LimitLine {
  return fits(LineOrCount, line);
}

/** What a store knows of a key of a limit, in the words of operators. */
export function limitKey({ limit, plan, store, capacity, cost, form }: KnownLimit, { key, left, resetMs, ageMs }: KeyState): LimitKey {
  const shown = shownKey(form, key);
  return { limit, plan, store, key: shown, limited: isLimited(cost, left), left, of: capacity, cost, resetMs, ageMs };
}

/** The place of a key in a list: those that are refused first. */
export function placeOf({ of, cost, left }: LimitKey): number {
  return rankOf({ capacity: of, cost }, left);
}

/** The same text for the same key of any proxy. */
export function nameOf({ limit, plan, key }: LimitKey): string {
  return JSON.stringify([limit, plan, key]);
}

/** Of each key only what was known last: several may have asked the same store about it. */
export function latestOf(keys: readonly LimitKey[]): readonly LimitKey[] {
  const byName = new Map<string, LimitKey>();
  for (const each of keys) {
    const name = nameOf(each);
    const known = byName.get(name);
    if (known === undefined || each.ageMs < known.ageMs) byName.set(name, each);
  }
  return [...byName.values()];
}
