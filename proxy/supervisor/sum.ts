// Metrics of several processes as one: added up series by series, as the aggregator of each family says.
import { setImmediate as turn } from 'node:timers/promises';
import { AggregatorRegistry, Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import type { MetricJson, Sample } from '../telemetry/metric.ts';

/** Samples that are spelt out in one turn of the event loop, which may be the one that serves requests: some 4 ms. */
const SLICE = 1_000;

/** One text exposition of what several processes count. */
export async function expose(parts: readonly (readonly MetricJson[])[]): Promise<string> {
  const byName = Map.groupBy(parts.flat(), (family) => family.name);
  let text = '';
  for (const [first, ...rest] of byName.values()) {
    if (first === undefined) continue;
    for (const family of rest.length === 0 ? [first] : await merge([first, ...rest])) text += await spell(family);
  }
  return text;
}

/** One family, or none where its values mean nothing together. */
async function merge(families: readonly MetricJson[]): Promise<readonly MetricJson[]> {
  const merged = AggregatorRegistry.aggregate(families.map((family) => [family]));
  return (await merged.getMetricsAsJSON()) as unknown as MetricJson[];
}

async function spell(family: MetricJson): Promise<string> {
  let text = '';
  for (let from = 0; from === 0 || from < family.values.length; from += SLICE) {
    const registry = new Registry();
    const slice = { ...family, values: family.values.slice(from, from + SLICE) };
    registry.registerMetric({ name: family.name, get: () => slice } as unknown as Metric);
    const lines = await registry.metrics();
    // HELP and TYPE once.
    text += from === 0 ? lines : lines.slice(lines.indexOf('\n', lines.indexOf('\n') + 1) + 1);
    if (family.values.length > SLICE) await turn();
  }
  return text;
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
