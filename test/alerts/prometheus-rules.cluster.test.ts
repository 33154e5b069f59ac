// PrometheusRules that the leader keeps for AlertRules: a real API server with the kind of the Prometheus operator, and the documented
// rights. The controller starts before the kind exists.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { Installation } from '../support/installation.ts';
import { listOf } from '../support/objects.ts';

const KIND = readFileSync(path.join(import.meta.dirname, 'testdata', 'prometheus-rules.yaml'), 'utf8');
const ENV = { WEIR_PROMETHEUS_RULES: 'On', WEIR_PROMETHEUS_RULE_LABELS: 'release=prometheus' };
const SLOW = 'traffic.latency(0.99, "5m") > 0.5';

interface Metadata {
  readonly uid: string;
  readonly generation: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly ownerReferences: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
}
interface PrometheusRule {
  readonly metadata: Metadata;
  readonly spec: { readonly groups: readonly { readonly rules: readonly Readonly<Record<string, unknown>>[] }[] };
}
interface Rule {
  readonly metadata: Metadata;
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[] };
}

describeWith(['cluster'], 'PrometheusRules of alert rules', () => {
  let cluster: Cluster;
  let weir: Installation;

  beforeAll(async () => {
    cluster = await startCluster({ channel: 'standard' });
    weir = await Installation.start(cluster, [], undefined, ENV);
    await cluster.kubectl(['create', 'namespace', 'shop']);
  }, 300_000);
  afterAll(async () => {
    await weir?.stop();
    await cluster?.stop();
  });

  function alertRule(name: string, spec: object, namespace = 'default'): object {
    const metadata = { name, namespace };
    return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'AlertRule', metadata, spec: { summary: 'slow: {{ value }}', ...spec } };
  }
  const apply = (...objects: readonly object[]) => cluster.apply(listOf(...objects));
  const get = async <T>(kind: string, name: string, namespace = 'default'): Promise<T | null> => {
    const text = await cluster.kubectl(['get', kind, name, '-n', namespace, '--ignore-not-found', '-o', 'json']);
    return text === '' ? null : (JSON.parse(text) as T);
  };
  const objectOf = (name: string, namespace = 'default') => get<PrometheusRule>('prometheusrules', `weir-${name}`, namespace);
  const queryOf = async (name: string, namespace = 'default') => (await objectOf(name, namespace))?.spec.groups[0]?.rules[0]?.['expr'];

  /** Waits for the condition Exported with this status and message. */
  async function exported(name: string, status: string, message: string, namespace = 'default'): Promise<void> {
    let seen: unknown;
    const holds = async () => {
      const rule = await get<Rule>('alertrules', name, namespace);
      seen = rule?.status?.conditions?.find(({ type }) => type === 'Exported');
      const found = seen as { readonly status: string; readonly message: string } | undefined;
      return found?.status === status && found.message.includes(message);
    };
    await cluster.until(`Exported ${status} ${message}`, holds).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(seen)}\n${weir.tails()}`);
    });
  }

  test('without the kind the rule says so, and the controller goes on', async () => {
    await apply(alertRule('slow', { each: 'Route', expression: SLOW, for: '1m', labels: { team: 'edge' } }));
    await exported('slow', 'False', 'the API server does not know PrometheusRule of monitoring.coreos.com/v1: install the CRDs');
    expect((await weir.probe('/readyz')).status).toBe(200);
  }, 60_000);

  test('with the kind, the rule has an object, which it owns', async () => {
    await cluster.apply(KIND);
    await exported('slow', 'True', 'a PrometheusRule has the rule');
    const [object, rule] = await Promise.all([objectOf('slow'), get<Rule>('alertrules', 'slow')]);
    expect(object?.metadata.labels).toEqual({ release: 'prometheus', 'app.kubernetes.io/managed-by': 'weir' });
    expect(object?.metadata.ownerReferences).toMatchObject([{ kind: 'AlertRule', name: 'slow', uid: rule?.metadata.uid }]);
    expect(object?.spec.groups[0]?.rules).toEqual([
      {
        alert: 'slow',
        expr: 'histogram_quantile(0.99, sum by (route, le) (rate(weir_request_duration_seconds_bucket[5m]))) > 0.5',
        for: '1m',
        labels: { team: 'edge', severity: 'warning', rule_namespace: 'default' },
        annotations: { summary: 'slow: {{ $value }}' },
      },
    ]);
  }, 90_000);

  test('follows the rule, and comes back after changes of others', async () => {
    await apply(alertRule('slow', { each: 'Route', expression: 'traffic.rate("1m") > 7.0' }));
    const wanted = 'sum by (route) (rate(weir_requests_total[1m])) > 7';
    await cluster.until('the query', async () => (await queryOf('slow')) === wanted);
    const patch = JSON.stringify([{ op: 'replace', path: '/spec/groups/0/rules/0/expr', value: 'vector(1)' }]);
    await cluster.kubectl(['patch', 'prometheusrules', 'weir-slow', '--type', 'json', '-p', patch]);
    await cluster.until('the query again', async () => (await queryOf('slow')) === wanted);
  }, 60_000);

  test('a rule of another namespace is about that namespace only', async () => {
    await apply(alertRule('slow', { each: 'Route', expression: 'traffic.rate("1m") > 7.0' }, 'shop'));
    const own = 'on (route) weir_requests_total{route=~"[^/]+/shop/.+"}';
    await cluster.until('the query', async () => {
      return (await queryOf('slow', 'shop')) === `(sum by (route) (rate(weir_requests_total[1m])) > 7) and ${own}`;
    });
  }, 60_000);

  test('an object of others stays, until it goes', async () => {
    const spec = { groups: [{ name: 'g', rules: [{ alert: 'mine', expr: 'vector(1)' }] }] };
    const foreign = { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', metadata: { name: 'weir-taken' }, spec };
    await apply(foreign);
    await apply(alertRule('taken', { each: 'Route', expression: SLOW }));
    await exported('taken', 'False', 'PrometheusRule/default/weir-taken exists, but does not belong to the AlertRule');
    expect(await queryOf('taken')).toBe('vector(1)');
    await cluster.kubectl(['delete', 'prometheusrules', 'weir-taken']);
    await exported('taken', 'True', 'a PrometheusRule has the rule');
  }, 90_000);

  test('goes with what Prometheus cannot express, with a disabled rule, and with the rule', async () => {
    await apply(alertRule('taken', { each: 'Backend', expression: 'backend.usable == 0' }));
    await exported('taken', 'False', 'the rule reads backend.usable, which no metric of Weir has');
    expect(await objectOf('taken')).toBeNull();
    await apply(alertRule('slow', { each: 'Route', expression: SLOW, disabled: true }, 'shop'));
    await cluster.until('no object of the disabled rule', async () => (await objectOf('slow', 'shop')) === null);
    await cluster.kubectl(['delete', 'alertrules', 'slow']);
    await cluster.until('no object of the deleted rule', async () => (await objectOf('slow')) === null);
  }, 60_000);

  test('another leader writes nothing that is right', async () => {
    await apply(alertRule('kept', { each: 'Route', expression: SLOW }));
    await exported('kept', 'True', 'a PrometheusRule has the rule');
    const before = await objectOf('kept');
    await weir.controller.stop('SIGTERM');
    weir.controller = weir.startController();
    await weir.controller.printed(/"leading":true/);
    await apply(alertRule('later', { each: 'Route', expression: SLOW }));
    await exported('later', 'True', 'a PrometheusRule has the rule');
    await exported('kept', 'True', 'a PrometheusRule has the rule');
    expect((await objectOf('kept'))?.metadata).toEqual(before?.metadata);
  }, 90_000);
});
