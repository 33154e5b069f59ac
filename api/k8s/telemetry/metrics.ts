// The list `metrics` of a TelemetryPolicy: what is counted and measured besides the metrics of Weir.
import { Type } from '#lib/typebox.ts';
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';
import type { FieldError } from '../field-error.ts';
import { count, logExpression, outcomeExpression } from '../setting.ts';

/** The metrics of one policy, the labels of one metric, and the bounds of a histogram. */
const MAX_METRICS = 16;
const MAX_LABELS = 8;
const MAX_BOUNDS = 32;
/** Names that other metrics have. */
const RESERVED_NAME = /^(weir|process|nodejs|go|otel|scrape|target)_|^up$/;
/** What the series of a histogram add to its name. */
const SERIES_END = /_(bucket|sum|count|total|created|info)$/;
const RESERVED_LABELS: ReadonlySet<string> = new Set(['le', 'quantile', 'process', 'job', 'instance']);

const label = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z][a-z0-9_]*$', description: 'The name of the label.' }),
    value: outcomeExpression('A text in CEL. Secrets in it are hidden, and it is cut after 128 characters.', 'text'),
  },
  { additionalProperties: false },
);

const metric = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[a-z][a-z0-9_]*$',
      description: 'The name of the metric. That of a counter ends in _total.',
    }),
    type: Type.Enum(['Counter', 'Histogram'], { description: 'Counter: a sum that grows. Histogram: how values are distributed.' }),
    help: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'What it is, for readers of the metrics.' })),
    value: Type.Optional(
      outcomeExpression('A number in CEL, such as double(response.headers["x-amount"]): what is added or observed.', 'number'),
    ),
    condition: logExpression('A condition in CEL: only requests for which it is true count.'),
    labels: Type.Optional(Type.Array(label, { maxItems: MAX_LABELS, description: 'The labels of the series.' })),
    buckets: Type.Optional(
      Type.Array(Type.Number(), { minItems: 1, maxItems: MAX_BOUNDS, description: 'The upper bounds of a histogram, ascending.' }),
    ),
    maxSeries: count('Series in one worker; further labels have the value other.', { minimum: 1, maximum: 2_000 }),
  },
  { additionalProperties: false },
);

export const metrics = Type.Optional(
  Type.Array(metric, {
    maxItems: MAX_METRICS,
    description: 'Metrics of requests that are over, besides those of Weir. A nearer policy replaces the whole list.',
  }),
);

/** A metric as written, as far as rules concern it. */
interface WrittenMetric {
  readonly name: string;
  readonly type: 'Counter' | 'Histogram';
  readonly value?: string;
  readonly labels?: readonly { readonly name: string; readonly value: string }[];
  readonly buckets?: readonly number[];
}

/** The rules that the metrics violate. */
export function checkMetrics(written: readonly WrittenMetric[] = []): FieldError[] {
  const names = written.map(({ name }) => name);
  return written.flatMap((each, i) => {
    const field = `spec.metrics[${i}]`;
    const repeated = names.indexOf(each.name) < i ? [{ field: `${field}.name`, reason: 'is the name of another metric of the list' }] : [];
    return [...repeated, ...checkName(each, field), ...checkValues(each, field), ...checkLabels(each, field)];
  });
}

function checkName({ name, type }: WrittenMetric, field: string): FieldError[] {
  if (RESERVED_NAME.test(name))
    return [{ field: `${field}.name`, reason: 'begins like the names of other metrics; choose one like shop_...' }];
  if (type === 'Counter')
    return name.endsWith('_total') ? [] : [{ field: `${field}.name`, reason: `must end in _total for a Counter: ${name}_total` }];
  const end = SERIES_END.exec(name);
  return end === null ? [] : [{ field: `${field}.name`, reason: `must not end in ${end[0]} for a Histogram` }];
}

function checkValues({ type, value, buckets }: WrittenMetric, field: string): FieldError[] {
  if (type === 'Counter') return buckets === undefined ? [] : [{ field: `${field}.buckets`, reason: 'is for a Histogram only' }];
  const isAscending = buckets?.every((bound, i) => i === 0 || bound > (buckets[i - 1] as number)) ?? true;
  return [
    ...(value === undefined ? [{ field: `${field}.value`, reason: 'is required for a Histogram' }] : []),
    ...(isAscending ? [] : [{ field: `${field}.buckets`, reason: 'must ascend' }]),
  ];
}

function checkLabels({ labels = [] }: WrittenMetric, field: string): FieldError[] {
  const names = labels.map(({ name }) => name);
  return labels.flatMap(({ name, value }, i) => {
    const at = `${field}.labels[${i}].name`;
    const secret = [...value.matchAll(/["']([^"']+)["']/g)]
      .map(([, text = '']) => text)
      .find((text) => DEFAULT_REDACTOR.hides(text.toLowerCase()));
    if (secret !== undefined) return [{ field: `${field}.labels[${i}].value`, reason: `reads ${secret}, which is secret` }];
    if (RESERVED_LABELS.has(name)) return [{ field: at, reason: 'is a label that scrapers and histograms have' }];
    return names.indexOf(name) < i ? [{ field: at, reason: 'is the name of another label' }] : [];
  });
}
