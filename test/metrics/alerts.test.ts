// The alerts of the chart: each fires when it should and is silent when it should be, leads to a section of the documentation, and asks
// for metrics that there are.
import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { describeWith } from '../support/describe-with.ts';
import { ALERTS, CHART, queriesOf } from './prometheus.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook_url: string };
}

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const { groups } = parse(readFileSync(ALERTS, 'utf8')) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
const RULES = groups.flatMap(({ rules }) => rules);

/** Values of series, as promtool writes them, one each minute. */
type Input = Readonly<Record<string, string>>;

const always = (value: number): string => `${value}x200`;
const growing = (by: number): string => `0+${by}x200`;
/** Labels of a process. */
const IN = 'namespace="n",job="j",instance="a"';
const OTHER = 'namespace="n",job="j",instance="b"';

function requests(bad: number, good: number): Input {
  return {
    [`weir_requests_total{${IN},gateway="n/g",status_class="5xx"}`]: growing(bad),
    [`weir_requests_total{${IN},gateway="n/g",status_class="2xx"}`]: growing(good),
  };
}

function within5s(count: number): Input {
  const bucket = (le: string) => `weir_request_duration_seconds_bucket{${IN},gateway="n/g",le="${le}"}`;
  return { [bucket('5.0')]: growing(count), [bucket('10.0')]: growing(100), [bucket('+Inf')]: growing(100) };
}

function adminCalls(failed: number, answered: number): Input {
  const of = (status: number) => `weir_admin_request_duration_seconds_count{${IN},operation="users.list",status="${status}"}`;
  return { [of(503)]: growing(failed), [of(200)]: growing(answered) };
}

function adminWithin2s(count: number): Input {
  const bucket = (le: string) => `weir_admin_request_duration_seconds_bucket{${IN},operation="users.list",le="${le}"}`;
  return { [bucket('2.5')]: growing(count), [bucket('5.0')]: growing(100), [bucket('+Inf')]: growing(100) };
}

function attempts(failed: number, answered: number): Input {
  const of = (outcome: string) => `weir_upstream_attempts_total{${IN},backend="b",endpoint="e",outcome="${outcome}"}`;
  return { [of('failed')]: growing(failed), [of('answered')]: growing(answered) };
}

const revisions = (one: string, other: string): Input => ({
  [`weir_config_info{${IN},${one}}`]: always(1),
  [`weir_config_info{${OTHER},${other}}`]: always(1),
});

const leaders = (one: number, other: number): Input => ({
  [`weir_leader{${IN}}`]: always(one),
  [`weir_leader{${OTHER}}`]: always(other),
});

const GATEWAY = 'gateway_networking_k8s_io_gateway_name';
const BUILD = { [`weir_build_info{${IN}}`]: always(1) };
const DAY = 86_400;
const gauge = (name: string, value: number, labels = ''): Input => ({ [`${name}{${IN}${labels}}`]: always(value) });
const counter = (name: string, by: number, labels = ''): Input => ({ [`${name}{${IN}${labels}}`]: growing(by) });

/** What makes each alert fire, and what is close to it and does not. */
const CASES: Readonly<Record<string, readonly [Input, Input]>> = {
  WeirHighErrorRatio: [requests(6, 94), requests(4, 96)],
  WeirHighLatency: [within5s(98), within5s(100)],
  WeirConnectionsRefused: [counter('weir_downstream_connections_refused_total', 1), gauge('weir_downstream_connections_refused_total', 7)],
  WeirShedding: [counter('weir_shed_total', 1, ',priority="default"'), counter('weir_shed_total', 1, ',priority="sheddable"')],
  WeirAccessLogDrops: [counter('weir_access_log_drops_total', 1), gauge('weir_access_log_drops_total', 7)],
  WeirBackendFailing: [attempts(11, 89), attempts(9, 91)],
  WeirBackendWithoutEndpoints: [gauge('weir_endpoints', 0, ',backend="b"'), gauge('weir_endpoints', 1, ',backend="b"')],
  WeirBreakerOpen: [gauge('weir_upstream_breaker_state', 1, ',backend="b"'), gauge('weir_upstream_breaker_state', 0, ',backend="b"')],
  WeirRequestsWaiting: [
    gauge('weir_upstream_requests_pending', 101, ',backend="b"'),
    gauge('weir_upstream_requests_pending', 100, ',backend="b"'),
  ],
  WeirConfigRefused: [
    gauge('weir_config_refused_resources', 1, ',kind="Listener"'),
    gauge('weir_config_refused_resources', 0, ',kind="Listener"'),
  ],
  WeirObjectsWithProblems: [gauge('weir_problems', 1, ',kind="HTTPRoute"'), gauge('weir_problems', 0, ',kind="HTTPRoute"')],
  // Dedicated proxies of two Gateways serve different configurations.
  WeirConfigDrift: [revisions('revision="1"', 'revision="2"'), revisions(`revision="1",${GATEWAY}="one"`, `revision="2",${GATEWAY}="two"`)],
  WeirPortUnbound: [gauge('weir_listener_ports_unbound', 1), gauge('weir_listener_ports_unbound', 0)],
  WeirProxyDisconnected: [gauge('weir_controller_connected', 0), gauge('weir_controller_connected', 1)],
  WeirLastGoodInUse: [gauge('weir_config_last_good_in_use', 1), gauge('weir_config_last_good_in_use', 0)],
  WeirNoLeader: [leaders(0, 0), leaders(0, 1)],
  WeirSeveralLeaders: [leaders(1, 1), leaders(0, 1)],
  WeirPushUnacked: [gauge('weir_push_unacked_seconds', 61), gauge('weir_push_unacked_seconds', 60)],
  WeirWatchTrouble: [
    gauge('weir_watch_trouble', 1, ',kind="HTTPRoute",reason="forbidden"'),
    gauge('weir_watch_trouble', 1, ',kind="TCPRoute",reason="absent"'),
  ],
  WeirStatusWritesFail: [
    counter('weir_status_writes_total', 1, ',kind="Gateway",result="failed"'),
    counter('weir_status_writes_total', 1, ',kind="Gateway",result="written"'),
  ],
  WeirStoreFailing: [gauge('weir_store_failing', 1), gauge('weir_store_failing', 0)],
  WeirCertificateExpiresSoon: [
    gauge('weir_certificate_expiry_timestamp_seconds', 13 * DAY, ',secret="n/s"'),
    gauge('weir_certificate_expiry_timestamp_seconds', 15 * DAY, ',secret="n/s"'),
  ],
  WeirCertificateExpires: [
    gauge('weir_certificate_expiry_timestamp_seconds', DAY, ',secret="n/s"'),
    gauge('weir_certificate_expiry_timestamp_seconds', 3 * DAY, ',secret="n/s"'),
  ],
  WeirAcmeFailing: [gauge('weir_acme_certificates', 1, ',state="failing"'), gauge('weir_acme_certificates', 0, ',state="failing"')],
  WeirSecretProblem: [gauge('weir_secret_problems', 1), gauge('weir_secret_problems', 0)],
  // Another program of the same cluster.
  WeirEventLoopLag: [{ ...gauge('nodejs_eventloop_lag_p99_seconds', 0.3), ...BUILD }, gauge('nodejs_eventloop_lag_p99_seconds', 0.3)],
  WeirFileDescriptors: [
    { ...gauge('process_open_fds', 900), ...gauge('process_max_fds', 1_000), ...BUILD },
    { ...gauge('process_open_fds', 700), ...gauge('process_max_fds', 1_000), ...BUILD },
  ],
  WeirWorkerRestarts: [counter('weir_worker_restarts_total', 1), gauge('weir_worker_restarts_total', 3)],
  WeirBug: [counter('weir_bugs_total', 1, ',place="timer"'), gauge('weir_bugs_total', 3, ',place="timer"')],
  WeirAdminFailing: [adminCalls(11, 89), adminCalls(9, 91)],
  WeirAdminSlow: [adminWithin2s(98), adminWithin2s(100)],
  WeirAdminAuditFailing: [counter('weir_admin_audit_failures_total', 1), gauge('weir_admin_audit_failures_total', 3)],
  WeirAdminUnusualLogin: [
    counter('weir_admin_login_anomalies_total', 1, ',kind="failure-burst"'),
    counter('weir_admin_login_anomalies_total', 1, ',kind="new-place"'),
  ],
};

/** A test file of promtool: after two and a half hours an alert fires once, or not at all. */
function ruleTest(alert: string, input: Input, fires: boolean): object {
  return {
    interval: '1m',
    input_series: Object.entries(input).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
        eval_time: '150m',
        exp_samples: [{ labels: '{}', value: Number(fires) }],
      },
    ],
  };
}

function promtool(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

test('every alert has its test', () => {
  expect(RULES.map(({ alert }) => alert)).toEqual(Object.keys(CASES));
});

test('alerts and dashboards ask for documented metrics', () => {
  const document = readFileSync(path.join(ROOT, 'docs', 'reference', 'metrics.md'), 'utf8');
  const documented = new Set([...document.matchAll(/^\| `(weir_\w+)`/gm)].map(([, name]) => name));
  const queries = readdirSync(path.join(CHART, 'dashboards')).flatMap(queriesOf);
  const expressions = [...queries.map(({ expression }) => expression), ...RULES.map(({ expr }) => expr)].join('\n');
  const asked = [...expressions.matchAll(/weir_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
  expect([...new Set(asked)].filter((name) => !documented.has(name))).toEqual([]);
});

test('the runbook of every alert is a section of the documentation', () => {
  const missing = RULES.filter(({ annotations: { runbook_url: url } }) => {
    const [file = '', anchor = ''] = url.split('#');
    const headings = [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
    return !headings.some((heading) => heading.toLowerCase().replaceAll(' ', '-') === anchor);
  });
  expect(missing.map(({ alert }) => alert)).toEqual([]);
});

describeWith(['promtool'], 'the alerts', () => {
  test('are rules without mistakes', () => {
    expect(promtool('check', 'rules', ALERTS)).toBe('');
  });

  test('fire when they should, and only then', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-alerts-'));
    const file = path.join(folder, 'alerts.test.yaml');
    const tests = Object.entries(CASES).flatMap(([alert, [loud, quiet]]) => [ruleTest(alert, loud, true), ruleTest(alert, quiet, false)]);
    writeFileSync(file, stringify({ rule_files: [ALERTS], evaluation_interval: '1m', tests }));
    expect(promtool('test', 'rules', file)).toBe('');
    rmSync(folder, { recursive: true });
  });
});
