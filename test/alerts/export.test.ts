// The rules as Prometheus gets them: promtool finds no fault with the defaults, and they fire as they should.
import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { TEXT_FUNCTIONS } from '#api/alert/expression.ts';
import type { AlertRuleSpec } from '#api/k8s/alert-rule.ts';
import { TRAFFIC_FUNCTIONS } from '#api/alert/functions.ts';
import { SUBJECT_TABLE } from '#api/alert/subjects.ts';
import { DEFAULT_RULES, defaultRules, unknownDefaults } from '../../controller/alert/defaults.ts';
import { prometheusRule, type ExportedRules } from '../../controller/alert/prometheus-rule.ts';
import { ruleOf, type Rule } from '../../controller/alert/rule.ts';
import { describeWith } from '../support/describe-with.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const EXPORTED = prometheusRule(defaultRules('weir-system', []), { namespace: 'monitoring', name: 'weir' }, 'weir-system');

/** Values that grow by so much each minute, or stay the same. */
const growing = (by: number): string => `0+${by}x200`;
const always = (value: number): string => `${value}x200`;

/** What makes exported rules fire after an hour and a half. */
const CASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  WeirHighErrorRatio: {
    'weir_requests_total{route="r",status_class="5xx"}': growing(6),
    'weir_requests_total{route="r",status_class="2xx"}': growing(94),
  },
  WeirErrorBudgetBurns: {
    'weir_requests_total{route="r",status_class="5xx"}': growing(2),
    'weir_requests_total{route="r",status_class="2xx"}': growing(98),
  },
  WeirLatencyBudgetBurns: {
    'weir_requests_total{route="r",status_class="2xx"}': growing(100),
    'weir_request_duration_seconds_bucket{route="r",le="1"}': growing(80),
    'weir_request_duration_seconds_count{route="r"}': growing(100),
  },
  WeirLimitsSaturated: {
    'weir_requests_total{route="r",status_class="2xx"}': growing(100),
    'weir_errors_total{route="r",code="rate_limited"}': growing(11),
  },
  WeirShedding: { 'weir_errors_total{route="r",code="overloaded"}': growing(1) },
  WeirEventLoopLag: { 'nodejs_eventloop_lag_p99_seconds{instance="a"}': always(0.3) },
  WeirBackendFailing: {
    'weir_upstream_attempts_total{backend="b",outcome="failed"}': growing(6),
    'weir_upstream_attempts_total{backend="b",outcome="answered"}': growing(94),
    'weir_upstream_responses_total{backend="b",status_class="5xx"}': growing(6),
  },
  WeirBackendWithoutEndpoints: { 'weir_endpoints{backend="b"}': always(0) },
  WeirBreakerOpen: { 'weir_upstream_breaker_state{backend="b"}': always(2) },
  WeirConfigRefused: { 'weir_push_refused_resources{kind="Listener"}': always(1) },
  WeirConfigDrift: { 'weir_config_info{revision="1"}': always(1), 'weir_config_info{revision="2"}': always(1) },
  WeirNoProxies: { weir_push_sessions: always(0) },
  WeirCertificateExpiresSoon: { 'weir_certificate_expiry_timestamp_seconds{secret="s"}': always(13 * 86_400) },
  WeirCertificateExpires: { 'weir_certificate_expiry_timestamp_seconds{secret="s"}': always(86_400) },
};

test('all default rules are exported, except those that read what no metric has', () => {
  expect(EXPORTED.left).toEqual([
    { rule: 'weir-system/WeirBackendUnhealthy', reason: 'reads backend.usable, which no metric of Weir has' },
    { rule: 'weir-system/WeirListenerUnserved', reason: 'reads installation.unservedListeners, which no metric of Weir has' },
  ]);
  const names = EXPORTED.object.spec.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  expect(names).toEqual(Object.keys(CASES));
});

test('each default rule has a section in the guide and a row in the reference', () => {
  const guide = readFileSync(path.join(ROOT, 'docs', 'guides', 'alerts.md'), 'utf8');
  const reference = readFileSync(path.join(ROOT, 'docs', 'reference', 'alerts.md'), 'utf8');
  const missing = Object.keys(DEFAULT_RULES).filter((name) => !guide.includes(`### ${name}\n`) || !reference.includes(`| \`${name}\` |`));
  expect(missing).toEqual([]);
});

test('the reference has every subject, value and function of the language', () => {
  const reference = readFileSync(path.join(ROOT, 'docs', 'reference', 'alerts.md'), 'utf8');
  const rows = [
    ...Object.entries(SUBJECT_TABLE).flatMap(([kind, { variable, fields }]) => [
      `| \`${kind}\` |`,
      ...Object.entries(fields).map(([name, { type, text }]) => `| \`${variable}.${name}\` | ${type} | ${text} |`),
    ]),
    ...Object.entries(TRAFFIC_FUNCTIONS).map(([name, { parameters, text }]) => {
      return `| \`traffic.${name}(${[...parameters, 'time'].join(', ')})\` | ${text} |`;
    }),
    ...Object.entries(TEXT_FUNCTIONS).map(([name, { text }]) => `| \`${name}(number)\` | ${text} |`),
  ];
  expect(rows.filter((row) => !reference.includes(row))).toEqual([]);
});

test('a name that is no default rule is told', () => {
  expect(unknownDefaults(['WeirShedding', 'WeirSheding'])).toBe(
    '--disabled-alerts: there is no default rule WeirSheding; did you mean WeirShedding?',
  );
});

const [{ spec: DEFAULT_SPEC }] = defaultRules('weir-system', []) as readonly [Rule];

/** Rules of a tenant, by the labels that tell its subjects apart, and metrics of it and of another. */
const TENANT: readonly (readonly [AlertRuleSpec['each'], string, Readonly<Record<string, string>>])[] = [
  [
    'Route',
    'traffic.rate("5m") > 0.5',
    { 'weir_requests_total{route="HTTPRoute/shop/a"}': growing(60), 'weir_requests_total{route="HTTPRoute/blog/shop/b"}': growing(60) },
  ],
  [
    'Backend',
    'backend.endpoints == 0 || backend.breakerOpen',
    { 'weir_endpoints{backend="Service/shop/a:80"}': always(0), 'weir_endpoints{backend="Service/shopping/a:80"}': always(0) },
  ],
  [
    'Certificate',
    'certificate.daysLeft < 14.0',
    {
      'weir_certificate_expiry_timestamp_seconds{secret="shop/a"}': always(86_400),
      'weir_certificate_expiry_timestamp_seconds{secret="blog/shop"}': always(86_400),
    },
  ],
];

describeWith(['promtool'], 'the exported rules', () => {
  /** Fails if promtool finds a fault, or if some rule does not fire exactly once after an hour and a half. */
  function fireOnce({ object }: ExportedRules, cases: Readonly<Record<string, Readonly<Record<string, string>>>>): void {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-export-'));
    writeFileSync(path.join(folder, 'rules.yaml'), stringify(object.spec));
    const tests = Object.entries(cases).map(([alert, input]) => ({
      interval: '1m',
      input_series: Object.entries(input).map(([series, values]) => ({ series, values })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
          eval_time: '90m',
          exp_samples: [{ labels: '{}', value: 1 }],
        },
      ],
    }));
    const file = path.join(folder, 'rules.test.yaml');
    writeFileSync(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }));
    const check = spawnSync('promtool', ['check', 'rules', path.join(folder, 'rules.yaml')], { encoding: 'utf8' });
    expect([check.status, check.stderr]).toEqual([0, '']);
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(status === 0 ? '' : `${stdout}${stderr}`).toBe('');
  }

  test('fire in a real Prometheus', () => fireOnce(EXPORTED, CASES));

  test('fire for the own namespace only, outside of that of the controller', () => {
    const rules = TENANT.map(([each, expression]) => {
      const spec: AlertRuleSpec = { ...DEFAULT_SPEC, each, expression, summary: 'wrong', description: '' };
      return ruleOf({ namespace: 'shop', name: each, spec });
    });
    const exported = prometheusRule(rules, { namespace: 'shop', name: 'weir' }, 'weir-system');
    fireOnce(exported, Object.fromEntries(TENANT.map(([each, , input]) => [each, input])));
  });
});
