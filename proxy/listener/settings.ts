// How a listener treats those who connect to it, beyond what its own object says: what ClientTrafficPolicies make of the defaults.
import type { Limits } from '../exchange/limits.ts';
import type { TrustedSources } from './trusted-sources.ts';

export interface ListenerSettings {
  readonly limits: Limits;
  /** The PROXY protocol is required, from sources that all of these trust; null: connections are those of their clients. */
  readonly proxyProtocol: readonly TrustedSources[] | null;
  /** What counts in place of this on a port of several objects, before it is known whose a connection is; absent: this. */
  readonly common?: ListenerSettings;
}

/** The settings of a listener, by key. */
export type SettingsOf = (listener: string) => ListenerSettings;

/**
 * What holds on a port before it is known whose a connection is. Listeners of a Gateway answer for all of it; what somebody else
 * says of the listeners of a ListenerSet must not be forced on the others.
 */
export function commonSettings(listeners: readonly string[], settingsOf: SettingsOf, fallback: ListenerSettings): ListenerSettings {
  const objects = new Set(listeners.map((key) => key.slice(0, key.lastIndexOf('/'))));
  const all = listeners.map(settingsOf);
  return strictest(objects.size > 1 ? all.map((settings) => settings.common ?? settings) : all, fallback);
}

/**
 * What holds for connections that may belong to any of the listeners: of every limit the strictest. It is asked for where bytes
 * must be judged before a request says whose they are.
 */
export function strictest(all: readonly ListenerSettings[], fallback: ListenerSettings): ListenerSettings {
  const [first = fallback, ...rest] = new Set(all);
  return rest.reduce(stricterOf, first);
}

function stricterOf(a: ListenerSettings, b: ListenerSettings): ListenerSettings {
  const isProxied = a.proxyProtocol !== null || b.proxyProtocol !== null;
  return {
    limits: strictestLimits(a.limits, b.limits),
    proxyProtocol: isProxied ? [...(a.proxyProtocol ?? []), ...(b.proxyProtocol ?? [])] : null,
  };
}

function strictestLimits(a: Limits, b: Limits): Limits {
  const names = Object.keys(a) as (keyof Limits)[];
  return Object.freeze({
    ...a,
    ...Object.fromEntries(names.map((name) => [name, isLeast(name) ? Math.max(a[name], b[name]) : stricter(a[name], b[name])])),
  });
}

/** Whether a limit is what a client has to do at least. */
function isLeast(name: keyof Limits): boolean {
  return name.startsWith('min');
}

/** 0 is no limit. */
function stricter(a: number, b: number): number {
  if (a === 0 || b === 0) return Math.max(a, b);
  return Math.min(a, b);
}
