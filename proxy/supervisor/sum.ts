// Metrics of several processes as one: added up series by series, as the aggregator of each family says.
import { spell } from '#lib/exposition.ts';
import type { Format } from '#lib/exposition.ts';
import type { MetricJson, Sample } from '#lib/metric.ts';

/** One text exposition of what several processes count. */
export function expose(parts: readonly (readonly MetricJson[])[], format: Format): Promise<string> {
  const byName = Map.groupBy(parts.flat(), (family) => family.name);
  return spell(Array.from(byName.values(), merge), format);
}

/** One family of several; series that only one has stay as they are. */
function merge(families: readonly MetricJson[]): MetricJson {
  const [first, ...rest] = families as [MetricJson, ...MetricJson[]];
  if (rest.length === 0) return first;
  const join = JOINS[first.aggregator ?? 'sum'];
  const merged = new Map<string, Sample>();
  for (const sample of families.flatMap(({ values }) => values)) {
    const id = idOf(sample);
    const other = merged.get(id);
    merged.set(id, other === undefined ? sample : { ...sample, value: join(other.value, sample.value) });
  }
  return { ...first, values: [...merged.values()] };
}

const JOINS: Readonly<Record<NonNullable<MetricJson['aggregator']>, (one: number, other: number) => number>> = {
  sum: (one, other) => one + other,
  first: (one) => one,
  max: Math.max,
  min: Math.min,
};

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
    const id = idOf(sample);
    sums.set(id, { ...sample, value: sample.value + (sums.get(id)?.value ?? 0) });
  }
  return [...sums.values()];
}

function idOf({ metricName, labels }: Sample): string {
  return JSON.stringify([metricName, labels]);
}
