// The choice of endpoints of a BackendTrafficPolicy.
import { compareText } from '#lib/compare-text.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { BalancerSettings, BalancerType } from '../../cluster/balancer/index.ts';
import type { HashKey } from '../../cluster/key-hash.ts';
import type { ZoneSettings } from '../../cluster/rank.ts';

type LoadBalancer = NonNullable<PolicySettings<'BackendTrafficPolicy'>['loadBalancer']>;
type HashOn = NonNullable<LoadBalancer['hashOn']>[number];

/** The key without a hashOn. */
const DEFAULT_KEYS: readonly HashKey[] = [{ from: 'sourceIP' }];

/** The least bound as a multiple of the share of an endpoint. */
const MIN_BOUND = 1.01;

const HASHING: ReadonlySet<BalancerType> = new Set(['RingHash', 'Maglev']);

/** Settings without an effect on the type are left out, so that equal uses are equal settings. */
export function balancerSettings({ type = 'RoundRobin', boundedLoad = 0 }: LoadBalancer = {}): BalancerSettings {
  return { type, boundedLoad: HASHING.has(type) ? boundOf(boundedLoad) : 0 };
}

/** A bound at or below the share itself could not be kept. */
function boundOf(percent: number): number {
  return percent === 0 ? 0 : Math.max(MIN_BOUND, percent / 100);
}

export function hashKeys({ type = 'RoundRobin', hashOn }: LoadBalancer = {}): readonly HashKey[] {
  if (!HASHING.has(type)) return [];
  return hashOn === undefined ? DEFAULT_KEYS : hashOn.flatMap(hashKey);
}

const PREFERENCES = { None: 'none', Hints: 'hints', Local: 'local' } as const;

export function zoneSettings({ prefer = 'Hints', minEndpoints = 1 }: NonNullable<LoadBalancer['zone']> = {}): ZoneSettings {
  return { prefer: PREFERENCES[prefer], minEndpoints };
}

/** In the order of their names, so that equal labels are equal texts. */
export function subsetLabels({ labels = {} }: NonNullable<LoadBalancer['subset']> = {}): Readonly<Record<string, string>> {
  const entries = Object.entries(labels as Readonly<Record<string, string>>);
  return Object.fromEntries(entries.sort(([a], [b]) => compareText(a, b)));
}

/** Keys must not move with time, so balancers by key have no slow start. */
export function slowStartOf({ type = 'RoundRobin', slowStart = 0 }: LoadBalancer = {}): number {
  return HASHING.has(type) ? 0 : slowStart;
}

function hashKey({ header, cookie, query, claim, principal, sourceIP = false, consumer = false }: HashOn): HashKey[] {
  if (header !== undefined) return [{ from: 'header', name: header.toLowerCase() }];
  if (cookie !== undefined) return [{ from: 'cookie', name: cookie }];
  if (query !== undefined) return [{ from: 'query', name: query }];
  if (claim !== undefined) return [{ from: 'claim', name: claim }];
  if (principal !== undefined) return [{ from: 'principal' }];
  if (consumer) return [{ from: 'consumer' }];
  return sourceIP ? DEFAULT_KEYS.slice() : [];
}
