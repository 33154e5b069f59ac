// Encodes metrics out of the families that a scrape reads too. Field numbers: opentelemetry-proto 1.x, metrics/v1.
import type { Exemplar, Labels, Sample } from '../metric.ts';
import { WIRE } from '../protobuf/wire-reader.ts';
import type { WireWriter } from '../protobuf/wire-writer.ts';
import { attributes, id, message, text, time, uint } from './encode.ts';

/** Some series of one family, and the time of their values. */
export interface MetricRecord {
  readonly name: string;
  readonly help: string;
  /** UCUM; '' for none. */
  readonly unit: string;
  readonly points: Points;
  /** Since when counters count, and when they were read, milliseconds since the epoch. */
  readonly startTime: number;
  readonly time: number;
}

export type Points =
  | { readonly type: 'gauge' | 'counter'; readonly values: readonly Sample[] }
  | { readonly type: 'histogram'; readonly values: readonly HistogramPoint[] }
  | { readonly type: 'summary'; readonly values: readonly SummaryPoint[] };

/** One series of a histogram. */
export interface HistogramPoint {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  /** One more than bounds, each without those below it. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
  readonly exemplars: readonly Exemplar[];
}

/** One series of a summary. */
export interface SummaryPoint {
  readonly labels: Labels;
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
  readonly sum: number;
  readonly count: number;
}

/** AggregationTemporality. */
const CUMULATIVE = 2;
const METRIC = { name: 1, help: 2, unit: 3, gauge: 5, counter: 7, histogram: 9, summary: 11 } as const;
const NUMBER = { start: 2, time: 3, double: 4, attributes: 7 } as const;
const HISTOGRAM = { start: 2, time: 3, count: 4, sum: 5, counts: 6, bounds: 7, exemplars: 8, attributes: 9 } as const;
const EXEMPLAR = { time: 2, double: 3, spanId: 4, traceId: 5 } as const;
const SUMMARY = { start: 2, time: 3, count: 4, sum: 5, quantiles: 6, attributes: 7 } as const;

/** The fields of a metric. */
export function writeMetric(writer: WireWriter, metric: MetricRecord): void {
  message(writer, METRIC[metric.points.type], metric, writeData);
  text(writer, METRIC.unit, metric.unit);
  text(writer, METRIC.help, metric.help);
  text(writer, METRIC.name, metric.name);
}

function writeData(writer: WireWriter, metric: MetricRecord): void {
  const { points } = metric;
  if (points.type === 'counter') uint(writer, 3, 1);
  if (points.type === 'counter' || points.type === 'histogram') uint(writer, 2, CUMULATIVE);
  for (let i = points.values.length - 1; i >= 0; i--) message(writer, 1, i, (to, index) => writePoint(to, metric, index));
}

function writePoint(writer: WireWriter, metric: MetricRecord, index: number): void {
  const { points } = metric;
  if (points.type === 'histogram') writeHistogram(writer, points.values[index] as HistogramPoint, metric);
  else if (points.type === 'summary') writeSummary(writer, points.values[index] as SummaryPoint, metric);
  else writeNumber(writer, points.values[index] as Sample, metric);
}

function writeNumber(writer: WireWriter, { labels, value }: Sample, metric: MetricRecord): void {
  writeLabels(writer, NUMBER.attributes, labels);
  double(writer, NUMBER.double, value);
  time(writer, NUMBER.time, metric.time);
  if (metric.points.type === 'counter') time(writer, NUMBER.start, metric.startTime);
}

function writeHistogram(writer: WireWriter, point: HistogramPoint, { time: now, startTime }: MetricRecord): void {
  writeLabels(writer, HISTOGRAM.attributes, point.labels);
  for (const each of point.exemplars) message(writer, HISTOGRAM.exemplars, each, writeExemplar);
  packed(writer, HISTOGRAM.bounds, point.bounds, (bound) => writer.double(bound));
  packed(writer, HISTOGRAM.counts, point.counts, (count) => writer.fixed64(BigInt(count)));
  double(writer, HISTOGRAM.sum, point.sum);
  fixed64(writer, HISTOGRAM.count, point.count);
  time(writer, HISTOGRAM.time, now);
  time(writer, HISTOGRAM.start, startTime);
}

function writeExemplar(writer: WireWriter, { traceId, spanId, value, time: at }: Exemplar): void {
  id(writer, EXEMPLAR.traceId, traceId);
  id(writer, EXEMPLAR.spanId, spanId);
  double(writer, EXEMPLAR.double, value);
  time(writer, EXEMPLAR.time, at);
}

function writeSummary(writer: WireWriter, point: SummaryPoint, { time: now, startTime }: MetricRecord): void {
  writeLabels(writer, SUMMARY.attributes, point.labels);
  for (const each of point.quantiles.toReversed())
    message(writer, SUMMARY.quantiles, each, (to, [quantile, value]) => {
      double(to, 2, value);
      double(to, 1, quantile);
    });
  double(writer, SUMMARY.sum, point.sum);
  fixed64(writer, SUMMARY.count, point.count);
  time(writer, SUMMARY.time, now);
  time(writer, SUMMARY.start, startTime);
}

function writeLabels(writer: WireWriter, field: number, labels: Labels): void {
  attributes(
    writer,
    field,
    Object.entries(labels)
      .map(([name, value]) => [name, String(value)])
      .flat(),
  );
}

function double(writer: WireWriter, field: number, value: number): void {
  writer.double(value);
  writer.tag(field, WIRE.fixed64);
}

function fixed64(writer: WireWriter, field: number, value: number): void {
  writer.fixed64(BigInt(value));
  writer.tag(field, WIRE.fixed64);
}

function packed(writer: WireWriter, field: number, values: readonly number[], write: (value: number) => void): void {
  const before = writer.length;
  for (let i = values.length - 1; i >= 0; i--) write(values[i] as number);
  writer.uint32(writer.length - before);
  writer.tag(field, WIRE.bytes);
}
