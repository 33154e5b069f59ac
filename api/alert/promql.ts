// Expressions and texts of alert rules in the languages of Prometheus, for exports. What Prometheus cannot say is an error with the reason.
import type { ASTNode } from '@marcbachmann/cel-js';
import { err, ok, type Result } from '#lib/result.ts';
import { isComparison, isTraffic, literalOf, type Comparison } from './expression.ts';
import { TRAFFIC_FUNCTIONS, type TrafficMetrics } from './functions.ts';
import { SUBJECT_TABLE, type SubjectKind } from './subjects.ts';

/** The metrics of requests. */
const REQUESTS = {
  requests: 'weir_requests_total',
  errors: ['weir_requests_total{status_class="5xx"}'],
  failures: 'weir_errors_total',
  seconds: 'weir_request_duration_seconds',
};

/** The metrics that count the traffic of a kind of subject. */
const METRICS: Readonly<Partial<Record<SubjectKind, TrafficMetrics>>> = {
  Installation: { ...REQUESTS, by: '' },
  Route: { ...REQUESTS, by: 'route' },
  Backend: {
    requests: 'weir_upstream_attempts_total',
    errors: ['weir_upstream_attempts_total{outcome="failed"}', 'weir_upstream_responses_total{status_class="5xx"}'],
    failures: 'weir_upstream_failures_total',
    seconds: 'weir_upstream_first_byte_seconds',
    by: 'backend',
  },
};

const INVERSE: Readonly<Record<string, string>> = { '>': '<=', '>=': '<', '<': '>=', '<=': '>', '==': '!=', '!=': '==' };
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);

/** A part that Prometheus cannot express. The message completes "...". */
class Inexpressible extends Error {}

/** A metric that every subject of a kind has, its label with the key of the subject, and the part of the key before the namespace. */
const OWN: Readonly<Partial<Record<SubjectKind, { readonly metric: string; readonly label: string; readonly before: string }>>> = {
  Route: { metric: 'weir_requests_total', label: 'route', before: '[^/]+/' },
  Backend: { metric: 'weir_endpoints', label: 'backend', before: '[^/]+/' },
  Certificate: { metric: 'weir_certificate_expiry_timestamp_seconds', label: 'secret', before: '' },
};

/**
 * The query of Prometheus for an expression about a kind of subject, or why there is none: a sentence without its subject. `namespace`:
 * only subjects of this one; null: all.
 */
export function promqlOf(ast: ASTNode, subject: SubjectKind, namespace: string | null = null): Result<string> {
  try {
    const query = condition(ast, subject, false);
    const own = OWN[subject];
    if (namespace === null || own === undefined) return ok(query);
    return ok(`(${query}) and on (${own.label}) ${own.metric}{${own.label}=~"${own.before}${namespace}/.+"}`);
  } catch (error) {
    if (error instanceof Inexpressible) return err(error.message);
    throw error;
  }
}

function condition(node: ASTNode, kind: SubjectKind, negated: boolean): string {
  if (node.op === '!_') return condition(node.args, kind, !negated);
  if (node.op === '&&' || node.op === '||') {
    const [one, other] = node.args;
    const operator = (node.op === '&&') === negated ? 'or' : 'and';
    return `(${condition(one, kind, negated)}) ${operator} (${condition(other, kind, negated)})`;
  }
  return isComparison(node) ? comparison(node, kind, negated) : flag(node, kind, negated);
}

function comparison(node: Comparison, kind: SubjectKind, negated: boolean): string {
  const operator = negated ? (INVERSE[node.op] as string) : node.op;
  const [left, right] = node.args;
  return `${number(left, kind)} ${operator} ${number(right, kind)}`;
}

/** A value that is true or false. */
function flag(node: ASTNode, kind: SubjectKind, negated: boolean): string {
  const promql = fieldOf(node, kind)?.promql ?? null;
  if (promql === null || negated) throw new Inexpressible('has a condition that is no comparison, which Prometheus cannot express');
  return promql;
}

function number(node: ASTNode, kind: SubjectKind): string {
  const literal = literalOf(node);
  if (typeof literal === 'number') return String(literal);
  if (node.op === '-_') return `-${number(node.args, kind)}`;
  if (ARITHMETIC.has(node.op)) {
    const [one, other] = node.args as readonly [ASTNode, ASTNode];
    return `(${number(one, kind)} ${node.op} ${number(other, kind)})`;
  }
  if (node.op === 'rcall' && isTraffic(node.args[1])) return call(node.args[0], node.args[2], kind);
  const promql = fieldOf(node, kind)?.promql ?? null;
  if (promql === null) throw new Inexpressible(`reads ${nameOf(node)}, which no metric of Weir has`);
  return promql;
}

function call(name: string, args: readonly ASTNode[], kind: SubjectKind): string {
  const metrics = METRICS[kind];
  const values = args.map(literalOf);
  if (metrics === undefined || values.includes(null)) throw new Inexpressible(`calls traffic.${name} with a value that is computed`);
  const known = values as readonly (number | string)[];
  return TRAFFIC_FUNCTIONS[name]?.promql(metrics, known.slice(0, -1), String(known.at(-1))) ?? '';
}

function fieldOf(node: ASTNode, kind: SubjectKind) {
  if (node.op !== '.') return undefined;
  const [receiver, name] = node.args;
  const { variable, fields } = SUBJECT_TABLE[kind];
  return receiver.op === 'id' && receiver.args === variable && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function nameOf(node: ASTNode): string {
  if (node.op === 'id') return node.args;
  return node.op === '.' ? `${nameOf(node.args[0])}.${node.args[1]}` : `the result of ${node.op}`;
}

const TEXT_FORMS: readonly (readonly [RegExp, string])[] = [
  [/^value$/, '{{ $value }}'],
  [/^percent\(value\)$/, '{{ $value | humanizePercentage }}'],
  [/^seconds\(value\)$/, '{{ $value | humanizeDuration }}'],
  [/^round\(value\)$/, '{{ $value | humanize }}'],
  [/^labels\.([a-zA-Z_][a-zA-Z0-9_]*)$/, '{{ $$labels.$1 }}'],
  [/^labels\["([a-zA-Z_][a-zA-Z0-9_]*)"\]$/, '{{ $$labels.$1 }}'],
];

/** A text in the template language of Prometheus. An expression that it cannot express becomes an ellipsis. */
export function annotationOf(text: string): string {
  return text.replaceAll(/\{\{([^{}]*)\}\}/g, (_whole, inside: string) => {
    const source = inside.trim();
    const [form, replacement] = TEXT_FORMS.find(([pattern]) => pattern.test(source)) ?? [];
    return form === undefined ? '…' : source.replace(form, replacement ?? '');
  });
}
