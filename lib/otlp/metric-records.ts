// Families of metrics, as a scrape has them, as records of OTLP. Names, labels and values stay the same, so that queries work for both.
import { isMisnamed } from '../exposition.ts';
import type { Exemplar, Labels, MetricJson, Sample } from '../metric.ts';
import type { HistogramPoint, MetricRecord, Points, SummaryPoint } from './encode-metric.ts';

/** Series in one record: a request takes many records, and a collector 4 MiB. */
const MAX_POINTS = 1_000;
/** Names of units (UCUM) by the end of a name. */
const UNITS = [
  ['_seconds', 's'],
  ['_bytes', 'By'],
  ['_bytes_total', 'By'],
  ['_seconds_total', 's'],
] as const;

/** The records of a family at a time; both times in milliseconds since the epoch. */
export function recordsOf(family: MetricJson, startTime: number, time: number): readonly MetricRecord[] {
  const { name, help } = family;
  if (isMisnamed(family)) return [];
  const unit = UNITS.find(([end]) => name.endsWith(end))?.[1] ?? '';
  return pointsOf(family).map((points) => ({ name, help, unit, points, startTime, time }));
}

function pointsOf({ name, type, values }: MetricJson): readonly Points[] {
  switch (type) {
    case 'histogram':
      return parts(histogramsOf(name, values)).map((points) => ({ type, values: points }));
    case 'summary':
      return parts(summariesOf(name, values)).map((points) => ({ type, values: points }));
    default:
      return parts(values).map((points) => ({ type, values: points }));
  }
}

function parts<T>(values: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(values.length / MAX_POINTS) }, (_, i) => values.slice(i * MAX_POINTS, (i + 1) * MAX_POINTS));
}

/** The samples of one series of a histogram or summary. */
interface Parts {
  readonly labels: Labels;
  /** By bound or quantile. */
  readonly values: [at: number, value: number][];
  readonly exemplars: Exemplar[];
  sum: number;
  count: number;
}

function histogramsOf(name: string, samples: readonly Sample[]): readonly HistogramPoint[] {
  return seriesOf(name, 'le', samples).map(({ labels, values, sum, count, exemplars }) => {
    const sorted = values.sort(([one], [other]) => one - other);
    return {
      labels,
      bounds: sorted.map(([bound]) => bound).filter(Number.isFinite),
      counts: sorted.map(([, total], index) => total - (sorted[index - 1]?.[1] ?? 0)),
      sum,
      count,
      exemplars,
    };
  });
}

function summariesOf(name: string, samples: readonly Sample[]): readonly SummaryPoint[] {
  return seriesOf(name, 'quantile', samples).map(({ labels, values, sum, count }) => ({ labels, quantiles: values, sum, count }));
}

function seriesOf(name: string, key: string, samples: readonly Sample[]): readonly Parts[] {
  const all = new Map<string, Parts>();
  for (const { labels, value, metricName = name, exemplar = null } of samples) {
    const { [key]: at, ...rest } = labels;
    const id = JSON.stringify(rest);
    const series = all.get(id) ?? { labels: rest, values: [], exemplars: [], sum: 0, count: 0 };
    all.set(id, series);
    if (exemplar !== null) series.exemplars.push(exemplar);
    if (metricName === `${name}_sum`) series.sum = value;
    else if (metricName === `${name}_count`) series.count = value;
    else series.values.push([at === '+Inf' ? Infinity : Number(at), value]);
  }
  return [...all.values()];
}
