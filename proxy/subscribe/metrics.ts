// The metrics of a configuration: its revision, its refused resources, and, in a proxy of a fleet, the controller and the file on disk.
import type { ResourceKind } from '#api/ir/ir.ts';
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { SubscriptionState } from './client.ts';

/** The part that every proxy has, with any source of configuration. */
export interface ConfigSources {
  readonly revision: () => string;
  /** The kinds of the resources that are not served in their newest version, one entry each. */
  readonly refused: () => readonly ResourceKind[];
}

export function configFamilies({ revision, refused }: ConfigSources): readonly MetricFamily[] {
  return [
    {
      name: 'weir_config_info',
      type: 'gauge',
      help: 'Always 1; proxies with the same resources have the same revision',
      read: () => [{ labels: { revision: revision() }, value: 1 }],
    },
    {
      name: 'weir_config_refused_resources',
      type: 'gauge',
      help: 'Resources whose newest version the proxy refuses',
      read: () => Array.from(Map.groupBy(refused(), String), ([kind, all]) => ({ labels: { kind }, value: all.length })),
    },
  ];
}

export function subscriptionFamilies(state: () => SubscriptionState): readonly MetricFamily[] {
  const savedAt = () => state().savedAt;
  return [
    single('weir_controller_connected', 'gauge', '1 if the proxy has a stream from a controller', () => Number(state().connected)),
    single('weir_controller_connects_total', 'counter', 'Streams from a controller since the start of the proxy', () => state().connects),
    single('weir_config_pushes_total', 'counter', 'Pushes that the proxy applied', () => state().pushes),
    single('weir_config_last_good_in_use', 'gauge', '1 if the proxy serves the last good configuration from disk', () =>
      Number(state().source === 'last-good'),
    ),
    {
      name: 'weir_config_last_good_timestamp_seconds',
      type: 'gauge',
      help: 'Time at which the proxy wrote the last good configuration to disk',
      read: () => (savedAt() === 0 ? [] : [{ labels: {}, value: savedAt() / 1_000 }]),
    },
    {
      name: 'weir_config_last_good_writes_total',
      type: 'counter',
      help: 'Writes of the last good configuration to disk; failed reads count as failed',
      read: () => Object.entries(outcomesOf(state())).map(([result, value]) => ({ labels: { result }, value })),
    },
  ];
}

function outcomesOf({ lastGood: { written, failed } }: SubscriptionState): Readonly<Record<string, number>> {
  return { written, failed };
}
