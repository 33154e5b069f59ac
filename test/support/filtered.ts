// A proxy whose route has filters that a test writes.
import type * as ir from '#api/ir/ir.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import type { Filter, FilterDependencies, FilterKind } from '../../proxy/filter/filter.ts';
import { closeLater, get, openClient, openUpstream, type Chain } from './fixture.ts';
import { startProxy, toUpstream } from './proxy.ts';
import type { Respond, UpstreamBehaviour } from './raw-upstream.ts';

/** Makes a filter of a test. */
export type MakeFilter = (dependencies: FilterDependencies) => Omit<Filter, 'name'>;

export interface FilteredOptions {
  readonly behaviour?: string | Respond | UpstreamBehaviour;
  readonly limits?: Partial<Limits>;
  /** Resources besides those of the route. */
  readonly more?: readonly ir.Resource[];
}

/** A kind for each filter; the route names them in its own filters. */
function kindOf(make: MakeFilter, index: number): FilterKind {
  return {
    name: `Test${index}`,
    ofRule: (filter, dependencies) =>
      filter.type === 'RequestHeaderModifier' && filter.headers.remove[0] === `test-${index}`
        ? { name: `Test${index}`, ...make(dependencies) }
        : null,
  };
}

/** A backend, a route with these filters in their order, and a client. */
export async function openFiltered(filters: readonly MakeFilter[], options: FilteredOptions = {}): Promise<Chain> {
  const upstream = await openUpstream(options.behaviour);
  const own = filters.map((_, index): ir.Filter => ({
    type: 'RequestHeaderModifier',
    headers: { set: [], add: [], remove: [`test-${index}`] },
  }));
  const resources = [...toUpstream(upstream.port, { filters: own }), ...(options.more ?? [])];
  const proxy = await startProxy(resources, options.limits, 'off', { filterKinds: filters.map(kindOf) });
  closeLater(() => proxy.close());
  return { upstream, proxy, client: await openClient(proxy.port) };
}

/** Never decides about the path `/never`. */
export const neverDeciding: MakeFilter = () => ({
  request: ({ path }) => (path === '/never' ? new Promise(() => undefined) : 'continue'),
});

/** Resolves once the time of each filter that waits already has passed: a later wait of `neverDeciding` has ended. */
export async function filterTimePasses({ proxy }: Pick<Chain, 'proxy'>): Promise<void> {
  const client = await openClient(proxy.port);
  await client.ask(get('/never'));
}
