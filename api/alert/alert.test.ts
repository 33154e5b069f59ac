// The language of alert rules: what expressions and texts accept, read and refuse, and the same in PromQL.
import { describe, expect, test } from '@jest/globals';
import { compileAlertExpression, type AlertExpressionType } from './expression.ts';
import type { SubjectFacts, TrafficOf } from './facts.ts';
import { annotationOf, promqlOf } from './promql.ts';
import type { SubjectKind } from './subjects.ts';
import { compileAlertText } from './text.ts';

const TRAFFIC: TrafficOf = {
  requests: 200,
  classes: { '2xx': 170, '4xx': 20, '5xx': 10 },
  codes: { rate_limited: 7 },
  latency: (q) => q,
  slowRatio: (seconds) => (seconds > 0.2 ? 0.25 : 1),
};
const NONE: TrafficOf = { requests: 0, classes: {}, codes: {}, latency: () => 0, slowRatio: () => 0 };
/** Traffic in the last five minutes only. */
const FACTS: SubjectFacts = {
  labels: { route: 'HTTPRoute/shop/cart/0' },
  values: { endpoints: 3, usable: 0, breakerOpen: true, daysLeft: 13.5 },
  traffic: (ms) => (ms === 300_000 ? TRAFFIC : NONE),
};

function valueOf(source: string, subject: SubjectKind, type: AlertExpressionType = 'double'): unknown {
  const compiled = compileAlertExpression(source, subject, type);
  if (!compiled.ok) return compiled.error;
  const value = compiled.value.evaluate(FACTS, 0);
  return value.ok ? value.value : value.error;
}

function promql(source: string, subject: SubjectKind): string {
  const compiled = compileAlertExpression(source, subject, 'bool');
  if (!compiled.ok) throw new Error(compiled.error);
  const query = promqlOf(compiled.value.ast, subject);
  return query.ok ? query.value : `error: ${query.error}`;
}

describe('expressions', () => {
  test.each([
    ['traffic.requests("5m")', 200],
    ['traffic.rate("5m")', 200 / 300],
    ['traffic.responses("4xx", "5m")', 20],
    ['traffic.errorRatio("5m")', 0.05],
    ['traffic.errorRatio("1m")', 0],
    ['traffic.clientErrorRatio("5m")', 0.1],
    ['traffic.failures("rate_limited", "5m")', 7],
    ['traffic.failures("other", "5m")', 0],
    ['traffic.latency(0.99, "5m")', 0.99],
    ['traffic.slowRatio(0.3, "5m")', 0.25],
    ['traffic.slowRatio(0.3, "5m") / 0.01', 25],
  ])('%s', (source, value) => {
    expect(valueOf(source, 'Route')).toBe(value);
  });

  test('read the values of their subject', () => {
    expect(valueOf('backend.endpoints > 0 && backend.usable == 0 && backend.breakerOpen', 'Backend', 'bool')).toBe(true);
    expect(valueOf('certificate.daysLeft < 14.0', 'Certificate', 'bool')).toBe(true);
    expect(valueOf('backend.endpoints', 'Backend')).toBe(3);
    expect(valueOf('labels.route.startsWith("HTTPRoute/shop/")', 'Route', 'bool')).toBe(true);
  });

  test('say what they need of the traffic', () => {
    const compiled = compileAlertExpression(
      'traffic.errorRatio("5m") > 0.1 || traffic.latency(0.5, "1h") > 1.0 || traffic.requests("5m") > 1',
      'Route',
      'bool',
    );
    expect(compiled.ok && [...compiled.value.needs.values()]).toEqual([
      { of: 'classes', ms: 300_000, argument: 0 },
      { of: 'latency', ms: 3_600_000, argument: 0.5 },
    ]);
  });

  test.each<readonly [string, SubjectKind, string]>([
    ['traffic.requests("3h")', 'Route', 'calls traffic.requests with the time "3h"; it must be from 10s to 2h, or use prometheus'],
    ['traffic.requests("1s")', 'Route', 'calls traffic.requests with the time "1s"; it must be from 10s to 2h, or use prometheus'],
    ['traffic.requests(labels.route)', 'Route', 'calls traffic.requests with a time that is no text in quotes, like "5m"'],
    ['traffic.latency(99.0, "5m")', 'Route', 'calls traffic.latency, which needs a share between 0 and 1 as a number, like 0.99'],
    [
      'traffic.latency(traffic.rate("5m"), "5m")',
      'Route',
      'calls traffic.latency, which needs a share between 0 and 1 as a number, like 0.99',
    ],
    [
      'traffic.responses("6xx", "5m")',
      'Route',
      'calls traffic.responses, which has an unknown class of statuses; they are 1xx, 2xx, 3xx, 4xx, 5xx',
    ],
    ['traffic.clientErrorRatio("5m")', 'Backend', 'calls traffic.clientErrorRatio, which a Backend does not have'],
    ['traffic.requests("5m")', 'Certificate', 'is not valid: Unknown variable: traffic'],
    ['labels', 'Route', 'must be a number, and is of type map<string, string>'],
    [`1.0${'+1.0'.repeat(300)}`, 'Route', 'must have at most 1024 characters'],
  ])('%s of a %s is refused', (source, subject, reason) => {
    expect(valueOf(source, subject)).toBe(reason);
  });

  test('that mix kinds of numbers are refused with the remedy', () => {
    expect(valueOf('traffic.requests("5m") == 0', 'Route', 'bool')).toMatch(/no such overload: double == int; write a number with a point/);
  });

  test('cannot reach beyond their subject', () => {
    for (const source of [
      'traffic.in(1)',
      'traffic.constructor',
      'backend.constructor',
      'backend.__proto__',
      'labels.constructor.name == ""',
    ])
      expect(typeof valueOf(source, 'Backend', 'bool')).toBe('string');
  });
});

describe('texts', () => {
  const written = (source: string, value: number): string => {
    const text = compileAlertText(source, 'Route');
    return text.ok ? text.value.write(FACTS, value) : `refused: ${text.error}`;
  };

  test('have values', () => {
    expect(written('{{ labels.route }} has {{percent(value)}} of {{ round(traffic.requests("5m")) }}', 0.0512)).toBe(
      'HTTPRoute/shop/cart/0 has 5.12 % of 200',
    );
    expect([0.25, 90, 600, 10_800].map((value) => written('{{ seconds(value) }}', value))).toEqual(['250 ms', '90 s', '10 min', '3 h']);
  });

  test('leave an expression without a value', () => {
    expect(written('{{ labels.absent }}', 0)).toBe('{{ labels.absent }}');
  });

  test.each(['{{ value', 'value }}', '{{ valeu }}', `${'{{ value }}'.repeat(17)}`])('%s is refused', (source) => {
    expect(written(source, 0)).toMatch(/^refused: /);
  });
});

describe('in PromQL', () => {
  test.each<readonly [string, SubjectKind, string]>([
    ['backend.endpoints == 0', 'Backend', 'max by (backend) (weir_endpoints) == 0'],
    ['!(backend.endpoints > 0)', 'Backend', 'max by (backend) (weir_endpoints) <= 0'],
    [
      'traffic.requests("5m") > 10.0 && traffic.failures("timeout", "1h") >= 2.0 * traffic.rate("1h")',
      'Route',
      '(sum by (route) (increase(weir_requests_total[5m])) > 10) and (sum by (route) (increase(weir_errors_total{code="timeout"}[1h])) >= (2 * sum by (route) (rate(weir_requests_total[1h]))))',
    ],
    [
      '!(traffic.requests("5m") > 1.0 && backend.breakerOpen)',
      'Backend',
      'error: has a condition that is no comparison, which Prometheus cannot express',
    ],
    ['backend.usable == 0', 'Backend', 'error: reads backend.usable, which no metric of Weir has'],
    [
      'traffic.slowRatio(1.0, "5m") > 0.1',
      'Installation',
      '(1 - sum (increase(weir_request_duration_seconds_bucket{le=~"1|1.0"}[5m])) / (sum (increase(weir_request_duration_seconds_count[5m])) > 0) or 0 * sum (increase(weir_request_duration_seconds_count[5m]))) > 0.1',
    ],
  ])('%s of a %s', (source, subject, query) => {
    expect(promql(source, subject)).toBe(query);
  });

  test('texts keep what templates of Prometheus can say', () => {
    expect(annotationOf('{{ labels.route }}: {{ percent(value) }}, {{value}}, {{ traffic.rate("5m") }}')).toBe(
      '{{ $labels.route }}: {{ $value | humanizePercentage }}, {{ $value }}, …',
    );
  });
});
