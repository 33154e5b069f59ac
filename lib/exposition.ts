// Metrics as text, in the format that a scraper requests: the Prometheus text format 0.0.4, or OpenMetrics 1.0.
import { setImmediate as turn } from 'node:timers/promises';
import type { Labels, MetricJson, Sample } from './metric.ts';

export type Format = 'text' | 'openmetrics';

/** The value of Content-Type. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Samples that are formatted in one turn of the event loop, which may also serve requests: about 2 ms. */
const SLICE = 1_000;
/** Units at the end of names. */
const UNITS = ['seconds', 'bytes'];

/** The format for a request with this Accept header: OpenMetrics if its weight is at least that of text. */
export function formatFor(accept: string): Format {
  const wanted = weightOf(accept, 'application/openmetrics-text');
  return wanted > 0 && wanted >= weightOf(accept, 'text/plain') ? 'openmetrics' : 'text';
}

/** Formats all families. Families with many samples are formatted in several turns of the event loop. */
export async function spell(families: Iterable<MetricJson>, format: Format): Promise<string> {
  let text = '';
  for (const family of families) {
    if (isMisnamed(family)) continue;
    text += headOf(family, format);
    for (let from = 0; from < family.values.length; from += SLICE) {
      for (const sample of family.values.slice(from, from + SLICE))
        text += `${lineOf(family.name, sample)}${format === 'openmetrics' ? exemplarOf(sample) : ''}\n`;
      if (family.values.length > SLICE) await turn();
    }
  }
  return format === 'openmetrics' ? `${text}# EOF\n` : text;
}

/** Some gauges of prom-client end in `_total`, which both formats reserve for counters. They repeat other metrics, so they are omitted. */
export function isMisnamed({ name, type }: Pick<MetricJson, 'name' | 'type'>): boolean {
  return type === 'gauge' && name.endsWith('_total');
}

function headOf({ name, type, help }: MetricJson, format: Format): string {
  const described = escapeText(help);
  if (format === 'text') return `# HELP ${name} ${described}\n# TYPE ${name} ${type}\n`;
  const family = type === 'counter' ? name.replace(/_total$/, '') : name;
  const unit = UNITS.find((each) => family.endsWith(`_${each}`));
  const unitLine = unit === undefined ? '' : `# UNIT ${family} ${unit}\n`;
  return `# TYPE ${family} ${type}\n${unitLine}# HELP ${family} ${described.replaceAll('"', '\\"')}\n`;
}

function lineOf(name: string, { metricName = name, labels, value }: Sample): string {
  return `${metricName}${labelsOf(labels)} ${numberOf(value)}`;
}

/** OpenMetrics 1.0, section "Exemplars"; the text format has none. */
function exemplarOf({ exemplar = null }: Sample): string {
  if (exemplar === null) return '';
  const { traceId, spanId, value, time } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${value} ${time / 1_000}`;
}

function labelsOf(labels: Labels): string {
  let text = '';
  for (const name in labels) {
    const value = labels[name];
    if (value === undefined) continue;
    const spelt = name === 'le' || name === 'quantile' ? boundOf(value) : escapeText(String(value)).replaceAll('"', '\\"');
    text += `${text === '' ? '{' : ','}${name}="${spelt}"`;
  }
  return text === '' ? '' : `${text}}`;
}

/** Bounds have the form of OpenMetrics in both formats (`1.0`, not `1`), so that a series is the same in both. */
function boundOf(value: string | number): string {
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function numberOf(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeText(text: string): string {
  return /[\\\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n') : text;
}

/** The largest weight of a media type in a list; 0: not in the list. */
function weightOf(accept: string, type: string): number {
  const weights = accept.split(',').map((entry) => {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    if (name !== type) return 0;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0;
  });
  return Math.max(0, ...weights);
}
