// Adds up the metrics of several processes, series by series, by the aggregator of each family.
import { spell } from '#lib/exposition.ts';
import type { Format } from '#lib/exposition.ts';
import type { MetricJson, Sample } from '#lib/metric.ts';

/** One text exposition for several processes. */
export function expose(parts: readonly (readonly MetricJson[])[], format: Format): Promise<string> {
  return spell(addUp(parts), format);
}

/** The families of several processes as those of one. */
export function addUp(parts: readonly (readonly MetricJson[])[]): readonly MetricJson[] {
  return Array.from(Map.groupBy(parts.flat(), (family) => family.name).values(), merge);
}

/** The sum of several families; a series of one process stays unchanged. */
function merge(families: readonly MetricJson[]): MetricJson {
  const [first, ...rest] = families as [MetricJson, ...MetricJson[]];
  if (rest.length === 0) return first;
  const join = JOINS[first.aggregator ?? 'sum'];
  const merged = new Map<string, Sample>();
  for (const sample of families.flatMap(({ values }) => values)) {
    const id = idOf(sample);
    const other = merged.get(id);
    merged.set(id, other === undefined ? sample : { ...other, ...sample, value: join(other.value, sample.value) });
  }
  return { ...first, values: [...merged.values()] };
}

const JOINS: Readonly<Record<NonNullable<MetricJson['aggregator']>, (one: number, other: number) => number>> = {
  sum: (one, other) => one + other,
  first: (one) => one,
  max: Math.max,
  min: Math.min,
};

/** The metrics of a process plus those of its dead predecessors: scrapers take a falling counter for a restart. */
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

/** Counters about the process itself start anew with each process. */
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
