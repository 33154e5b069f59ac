// How a listener treats those who connect to it, beyond what its own object says: what ClientTrafficPolicies make of the defaults.
import type { Limits } from '../exchange/limits.ts';

export interface ListenerSettings {
  readonly limits: Limits;
}

/** The settings of a listener, by key. */
export type SettingsOf = (listener: string) => ListenerSettings;

/**
 * What holds for connections that may belong to any of the listeners: of every limit the strictest. It is asked for where bytes
 * must be judged before a request says whose they are.
 */
export function strictest(all: readonly ListenerSettings[], fallback: ListenerSettings): ListenerSettings {
  const [first = fallback, ...rest] = new Set(all);
  return rest.length === 0 ? first : { limits: rest.reduce((limits, other) => strictestLimits(limits, other.limits), first.limits) };
}

function strictestLimits(a: Limits, b: Limits): Limits {
  const names = Object.keys(a) as (keyof Limits)[];
  return Object.freeze({ ...a, ...Object.fromEntries(names.map((name) => [name, stricter(a[name], b[name])])) });
}

/** 0 is no limit. */
function stricter(a: number, b: number): number {
  if (a === 0 || b === 0) return Math.max(a, b);
  return Math.min(a, b);
}
