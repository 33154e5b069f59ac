// The metrics of requests of a rule, from `metrics` of TelemetryPolicies.
import { compileExpression } from '#api/expression/expression.ts';
import type { ExpressionResult } from '#api/expression/expression.ts';
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import type { MetricDefinition, MetricsPlan } from '../../exchange/route-telemetry.ts';
import { outcomeFacts } from '../../filter/facts.ts';

type Settings = NonNullable<PolicySettings<'TelemetryPolicy'>['metrics']>[number];

const DEFAULT_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DEFAULT_MAX_SERIES = 200;
/** A label is cut here. */
const MAX_LABEL = 128;

/** A metric with its compiled expressions. Each gives undefined if it has no value for a request. */
interface Measure {
  readonly definition: MetricDefinition;
  readonly condition: (facts: Facts) => unknown;
  readonly value: (facts: Facts) => unknown;
  readonly labels: readonly ((facts: Facts) => unknown)[];
}

/** Null: no policy defines any. */
export function metricsPlan(settings: readonly Settings[] | undefined, redactor: Redactor | null): MetricsPlan | null {
  if (settings === undefined || settings.length === 0) return null;
  const measures = settings.map(measureOf);
  const hide = redactor ?? DEFAULT_REDACTOR;
  return Object.freeze({
    definitions: measures.map(({ definition }) => definition),
    measure: (exchange, ms, take) => {
      const facts = outcomeFacts(exchange, ms);
      for (const { definition, condition, value, labels } of measures) {
        const holds = condition(facts);
        if (holds === false) continue;
        const texts = labels.map((label) => labelOf(label(facts), hide));
        take(definition, holds === true ? numberOf(value(facts), definition) : null, texts);
      }
    },
  } satisfies MetricsPlan);
}

function measureOf({
  name = '',
  help = name,
  type,
  value,
  condition,
  labels = [],
  buckets,
  maxSeries = DEFAULT_MAX_SERIES,
}: Settings): Measure {
  const bounds = type === 'Histogram' ? (buckets ?? DEFAULT_BOUNDS) : null;
  return {
    definition: Object.freeze({ name, help, bounds, labels: labels.map((label) => label.name ?? ''), maxSeries }),
    condition: compiled(condition, 'bool', true),
    value: compiled(value, 'number', 1),
    labels: labels.map((label) => compiled(label.value, 'string', '')),
  };
}

/** The rules of the policy have been checked, so that each expression compiles. `absent`: the value without an expression. */
function compiled(source: string | undefined, result: ExpressionResult, absent: unknown): (facts: Facts) => unknown {
  const expression = source === undefined ? null : compileExpression(source, { result, moment: 'outcome' });
  if (expression === null) return () => absent;
  if (!expression.ok) return () => undefined;
  const { value } = expression.value;
  return (facts) => {
    const found = value(facts);
    return found.ok ? found.value : undefined;
  };
}

/** A number that the metric can take, or null. Counters only grow. */
function numberOf(value: unknown, { bounds }: MetricDefinition): number | null {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return null;
  return bounds === null && number < 0 ? null : number;
}

/** '' if a request has no value, for example because a header is missing. */
function labelOf(value: unknown, redactor: Redactor): string {
  return typeof value === 'string' ? redactor.text(value.slice(0, MAX_LABEL)) : '';
}
