// The present values of gauges: from the status of the fleet, its resources, and what other parts of the controller know.
import type { Resource } from '#api/ir/ir.ts';
import { expiryOf } from '#lib/certificate-expiry.ts';
import type { FleetStatus, StatusProxy } from '../status.ts';
import type { GaugeName, LabelledValue, Values } from './reader.ts';

export interface GaugeSources {
  readonly status: () => Promise<FleetStatus>;
  readonly resources: () => Iterable<Resource>;
  /** Resources that proxies refuse; null where that is not known. */
  readonly refused: () => number | null;
  /** The share that the busiest key of each limit has taken, by limit. */
  readonly limits: () => Promise<ReadonlyMap<string, number>>;
}

type Read = (status: FleetStatus) => readonly LabelledValue[];

const USABLE: ReadonlySet<string> = new Set(['ready', 'degraded', 'in']);

/** Gauges out of the status. */
const FROM_STATUS: Partial<Record<GaugeName, Read>> = {
  endpoints: ({ backends }) => backends.map(({ backend, endpoints }) => ({ labels: { backend }, value: endpoints.length })),
  endpoints_usable: ({ backends }) =>
    backends.map(({ backend, endpoints }) => ({ labels: { backend }, value: endpoints.filter(({ state }) => USABLE.has(state)).length })),
  breaker_open: ({ backends }) =>
    backends
      .filter(({ breaker }) => breaker !== '')
      .map(({ backend, breaker }) => ({ labels: { backend }, value: breaker === 'open' || breaker === 'forced-open' ? 1 : 0 })),
  listeners_unserved: ({ listeners }) => [{ labels: {}, value: listeners.filter(({ unserved }) => unserved !== '').length }],
  proxies: ({ proxies }) =>
    [...Map.groupBy(proxies, ({ scope, state }) => JSON.stringify({ scope, state }))].map(([labels, all]) => ({
      labels: JSON.parse(labels) as Record<string, string>,
      value: all.length,
    })),
  proxies_outdated: ({ proxies }) => byScope(proxies, outdated),
  proxies_draining: ({ proxies }) => byScope(proxies, (all) => all.filter(({ draining }) => draining).length),
  connections: ({ proxies }) => byScope(proxies, (all) => all.reduce((sum, { connections }) => sum + connections, 0)),
  requests_active: ({ proxies }) => byScope(proxies, (all) => all.reduce((sum, { requests }) => sum + requests, 0)),
  memory_bytes: ({ proxies }) => present(proxies).map(({ node, memory }) => ({ labels: { proxy: node }, value: memory })),
  event_loop_lag_seconds: ({ proxies }) => present(proxies).map(({ node, lagMs }) => ({ labels: { proxy: node }, value: lagMs / 1_000 })),
};

/** Gauges that are read within this time have one status: alert rules read many at once, milliseconds. */
const SHARED_MS = 500;

/** Reads gauges from these sources. */
export function gaugeReader(sources: GaugeSources): (name: GaugeName) => Promise<Omit<Values, 'knownMs'>> {
  let last: { readonly at: number; readonly status: Promise<FleetStatus> } | null = null;
  return async (name) => {
    const read = FROM_STATUS[name];
    if (read !== undefined) {
      const now = performance.now();
      if (last === null || now - last.at > SHARED_MS) last = { at: now, status: sources.status() };
      const status = await last.status;
      return { values: sorted(read(status)), missing: status.missing };
    }
    return { values: sorted(await otherGauge(name, sources)), missing: [] };
  };
}

async function otherGauge(name: GaugeName, { resources, refused, limits }: GaugeSources): Promise<readonly LabelledValue[]> {
  switch (name) {
    case 'certificate_expiry_seconds':
      return expiries(resources());
    case 'resources_refused': {
      const value = refused();
      return value === null ? [] : [{ labels: {}, value }];
    }
    case 'limits_saturated':
      return Array.from(await limits(), ([limit, value]) => ({ labels: { limit }, value }));
    default:
      return [];
  }
}

/** The expiry by certificate: reading one takes a fraction of a millisecond, and a controller may have thousands. */
const known = new Map<string, number | null>();
/** Certificates that are kept. */
const MAX_KNOWN = 10_000;

function expiries(resources: Iterable<Resource>): readonly LabelledValue[] {
  const values: LabelledValue[] = [];
  for (const resource of resources) {
    if (resource.kind !== 'Secret' || resource.certificate === '') continue;
    const expiry = expiryOnce(resource.certificate);
    if (expiry !== null) values.push({ labels: { secret: resource.key }, value: (expiry - Date.now()) / 1_000 });
  }
  return values;
}

function expiryOnce(certificate: string): number | null {
  const before = known.get(certificate);
  if (before !== undefined) return before;
  if (known.size >= MAX_KNOWN) known.clear();
  const expiry = expiryOf(certificate);
  known.set(certificate, expiry);
  return expiry;
}

function present(proxies: readonly StatusProxy[]): readonly StatusProxy[] {
  return proxies.filter(({ state }) => state === 'reporting' || state === 'late');
}

function byScope(proxies: readonly StatusProxy[], valueOf: (all: readonly StatusProxy[]) => number): readonly LabelledValue[] {
  return [...Map.groupBy(present(proxies), ({ scope }) => scope)].map(([scope, all]) => ({ labels: { scope }, value: valueOf(all) }));
}

/** The proxies that serve another revision than most of them. */
function outdated(proxies: readonly StatusProxy[]): number {
  const serving = proxies.filter(({ revision }) => revision !== '');
  const sizes = [...Map.groupBy(serving, ({ revision }) => revision).values()].map(({ length }) => length);
  return serving.length - Math.max(0, ...sizes);
}

function sorted(values: readonly LabelledValue[]): readonly LabelledValue[] {
  return values.toSorted((one, other) => other.value - one.value);
}
