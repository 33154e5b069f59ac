// The settings of a listener from its ClientTrafficPolicies, with the defaults.
import type { Limits } from '../exchange/limits.ts';
import type { TrustedSources } from './trusted-sources.ts';

export interface ListenerSettings {
  readonly limits: Limits;
  /** The PROXY protocol is required, from sources that all of these trust; null: it is not used. */
  readonly proxyProtocol: readonly TrustedSources[] | null;
  /** Proxies in front may tell the client of a request, so its peer may be one of many clients; absent: the peer is the client. */
  readonly trustsProxies?: true;
  /** The settings before the listener of a connection is known, on a port of several objects; absent: these settings. */
  readonly common?: ListenerSettings;
}

/** The settings of a listener, by key. */
export type SettingsOf = (listener: string) => ListenerSettings;

/**
 * The settings on a port before the listener of a connection is known. The listeners of a Gateway decide them; policies for a ListenerSet
 * must not affect the other listeners.
 */
export function commonSettings(listeners: readonly string[], settingsOf: SettingsOf, fallback: ListenerSettings): ListenerSettings {
  const objects = new Set(listeners.map((key) => key.slice(0, key.lastIndexOf('/'))));
  const all = listeners.map(settingsOf);
  return strictest(objects.size > 1 ? all.map((settings) => settings.common ?? settings) : all, fallback);
}

/**
 * The settings for connections that may belong to any of the listeners: the strictest of each limit. They apply to bytes before a request
 * identifies its listener.
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

/** Whether a limit is a minimum for the client. */
function isLeast(name: keyof Limits): boolean {
  return name.startsWith('min');
}

/** 0 is unlimited. */
function stricter(a: number, b: number): number {
  if (a === 0 || b === 0) return Math.max(a, b);
  return Math.min(a, b);
}
