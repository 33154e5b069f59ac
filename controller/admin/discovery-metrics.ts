// The metrics of the discovery of endpoints outside Kubernetes, for a controller and for `weir up`. Labels are names of
// sources and reasons, so their number is bounded.
import type { MetricFamily } from '#lib/metric.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { LookupState } from '../discovery/lookup.ts';

/** The families of metrics of a discovery, read at each scrape. */
export function discoveryFamilies(discovery: () => Pick<Discovery, 'states' | 'failures'>): readonly MetricFamily[] {
  return [
    {
      name: 'weir_discovery_backends',
      type: 'gauge',
      help: 'Backends whose endpoints a source looks up, by source and state: waiting for the first answer, resolved, failing.',
      read: () => {
        const groups = Map.groupBy(discovery().states(), (state) => `${state.source} ${stateOf(state)}`);
        return Array.from(groups, ([group, all]) => {
          const [source = '', state = ''] = group.split(' ');
          return { labels: { source, state }, value: all.length };
        });
      },
    },
    {
      name: 'weir_discovery_failures_total',
      type: 'counter',
      help: 'Failed lookups of endpoints, by source and reason.',
      read: () =>
        discovery()
          .failures()
          .map(({ source, reason, count }) => ({ labels: { source, reason }, value: count })),
    },
  ];
}

function stateOf({ endpoints, trouble }: LookupState): string {
  if (trouble !== null) return 'failing';
  return endpoints === null ? 'waiting' : 'resolved';
}
