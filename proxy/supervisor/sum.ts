// Metrics of several processes as one: added up series by series, as the aggregator of each family says.
import { AggregatorRegistry } from 'prom-client';
import type { MetricJson, Sample } from '../telemetry/metric.ts';

/** One text exposition of what several processes count. */
export function expose(parts: readonly (readonly MetricJson[])[]): Promise<string> {
  return AggregatorRegistry.aggregate(parts.map((part) => [...part])).metrics();
}

/** What a process counts, on top of what its predecessors had counted: a counter that falls would count as new to a scraper. */
export function addCounters(present: readonly MetricJson[], past: readonly MetricJson[]): readonly MetricJson[] {
  if (past.length === 0) return present;
  const counters = new Map(past.map((family) => [family.name, family]));
  const added = present.map((family) => {
    const before = counters.get(family.name);
    counters.delete(family.name);
    return before === undefined || !isOurs(family) ? family : { ...family, values: addSamples(family.values, before.values) };
  });
  return [...added, ...[...counters.values()].filter(isOurs)];
}

/** Counters about a process itself begin anew with each. */
function isOurs({ name, type }: MetricJson): boolean {
  return type !== 'gauge' && name.startsWith('weir_');
}

function addSamples(present: readonly Sample[], past: readonly Sample[]): Sample[] {
  const sums = new Map<string, Sample>();
  for (const sample of [...past, ...present]) {
    const id = JSON.stringify([sample.metricName, sample.labels]);
    sums.set(id, { ...sample, value: sample.value + (sums.get(id)?.value ?? 0) });
  }
  return [...sums.values()];
}
