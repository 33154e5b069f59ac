// The filter of the access log, as flags and GatewayParameters write it:
//
//     status=5xx or duration>=1s or route=shop/cart and sample=0.1 or sample=0.01
//
// The log has a line if at least one rule applies. A rule applies if all its conditions are true.
import { parseDuration } from '#lib/duration.ts';
import { didYouMean } from '#lib/nearest.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';

/** A rule; null means that the rule lacks the condition. */
export interface LogRule {
  /** Pairs of the first and the last status. */
  readonly statuses: readonly (readonly [number, number])[] | null;
  /** The least duration, milliseconds. */
  readonly duration: number | null;
  /** `<namespace>/<name>` of routes, or `<namespace>/*`. */
  readonly routes: readonly string[] | null;
  /** Addresses of clients. */
  readonly clients: readonly string[] | null;
  /** Names of callers, or Consumers as `<namespace>/<name>`. */
  readonly principals: readonly string[] | null;
  /** Whether the rule takes only failures and answers of the proxy itself. */
  readonly error: boolean;
  /** The sampled share of the lines that meet the other conditions, above 0 and up to 1. */
  readonly sample: number;
}

/** Null means all lines. */
export type LogFilter = readonly LogRule[] | null;

const NO_CONDITION: LogRule = { statuses: null, duration: null, routes: null, clients: null, principals: null, error: false, sample: 1 };
const CONDITIONS = ['status=', 'duration>=', 'route=', 'client=', 'principal=', 'sample=', 'error'];
const MAX_RULES = 32;

/** Parses a filter; '' means no filter. */
export function parseFilter(text: string): Result<LogFilter> {
  if (text.trim() === '') return ok(null);
  const rules: LogRule[] = [];
  for (const alternative of text.trim().split(/\s+or\s+/)) {
    const rule = parseRule(alternative);
    if (!rule.ok) return rule;
    rules.push(rule.value);
  }
  return rules.length > MAX_RULES ? err(`a filter has at most ${MAX_RULES} rules`) : ok(rules);
}

function parseRule(text: string): Result<LogRule> {
  let rule = NO_CONDITION;
  for (const condition of text.split(/\s+and\s+/)) {
    const parsed = parseCondition(condition.trim());
    if (!parsed.ok) return parsed;
    rule = { ...rule, ...parsed.value };
  }
  return ok(rule);
}

function parseCondition(text: string): Result<Partial<LogRule>> {
  if (text === 'error') return ok({ error: true });
  const [, name = '', operator = '', value = ''] = /^([a-z]+)\s*(>?=)\s*(.*)$/.exec(text) ?? [];
  const parse = PARSERS.get(name + operator);
  if (parse !== undefined) return parse(value);
  const known = 'status=5xx, duration>=1s, route=NAMESPACE/NAME, client=ADDRESS, principal=NAME, error or sample=0.1';
  return err(`${JSON.stringify(text)} is not a condition; use ${known}${hint(text)}`);
}

function hint(text: string): string {
  return didYouMean(/^[^=>\s]*(>?=)?/.exec(text)?.[0] ?? '', CONDITIONS);
}

/** `404`, `5xx`, `500-504`. */
function parseStatuses(value: string): Result<Partial<LogRule>> {
  const statuses: (readonly [number, number])[] = [];
  for (const item of value.split(',')) {
    const [, digit] = /^([1-5])xx$/i.exec(item.trim()) ?? [];
    const [, first, last = first] = /^([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?$/.exec(item.trim()) ?? [];
    const range =
      digit === undefined ? ([Number(first), Number(last)] as const) : ([Number(digit) * 100, Number(digit) * 100 + 99] as const);
    if (!(range[0] <= range[1]))
      return err(`status: ${JSON.stringify(item)} is neither a status (404), a class (5xx) nor a range (500-504)`);
    statuses.push(range);
  }
  return ok({ statuses });
}

function parseMinimum(value: string): Result<Partial<LogRule>> {
  const parsed = parseDuration(value);
  return parsed.ok ? ok({ duration: parsed.value }) : err(`duration: ${JSON.stringify(value)} ${parsed.error}`);
}

function parseRoutes(value: string): Result<Partial<LogRule>> {
  const routes = value.split(',').map((item) => item.trim());
  const odd = routes.find((item) => !/^[a-z0-9.-]+\/([a-z0-9.-]+|\*)$/.test(item));
  return odd === undefined ? ok({ routes }) : err(`route: ${JSON.stringify(odd)} is neither NAMESPACE/NAME nor NAMESPACE/*`);
}

function listOf(value: string): readonly string[] {
  return value.split(',').map((item) => item.trim());
}

function parseSample(value: string): Result<Partial<LogRule>> {
  const share = /^[0-9]*\.?[0-9]+$/.test(value) ? Number(value) : NaN;
  return share > 0 && share <= 1 ? ok({ sample: share }) : err(`sample: ${JSON.stringify(value)} is not a share above 0 and up to 1`);
}

/** By name and operator. */
const PARSERS: ReadonlyMap<string, (value: string) => Result<Partial<LogRule>>> = new Map([
  ['status=', parseStatuses],
  ['duration>=', parseMinimum],
  ['route=', parseRoutes],
  ['client=', (value: string) => ok({ clients: listOf(value) })],
  ['principal=', (value: string) => ok({ principals: listOf(value) })],
  ['sample=', parseSample],
]);
