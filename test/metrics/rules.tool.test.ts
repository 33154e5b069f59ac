// The alerts as the chart installs them: a PrometheusRule that promtool finds no fault with.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { Helm, KUBE_VERSION } from '../helm/helm.ts';
import { describeWith } from '../support/describe-with.ts';
import { CHART } from './prometheus.ts';

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface PrometheusRule {
  readonly kind: string;
  readonly spec: { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
}

describeWith(['go', 'promtool'], 'the PrometheusRule', () => {
  let helm: Helm;
  beforeAll(() => {
    helm = new Helm();
  }, 600_000);
  afterAll(() => helm.remove());

  /** What the chart renders with these values of `metrics.prometheusRule`. */
  async function rendered(...values: readonly string[]): Promise<PrometheusRule['spec']> {
    const set = ['enabled=true', ...values].flatMap((value) => ['--set', `metrics.prometheusRule.${value}`]);
    const text = await helm.run('template', 'weir', CHART, ...KUBE_VERSION, '--show-only', 'templates/prometheus-rule.yaml', ...set);
    const [rule] = parseAllDocuments(text).map((document) => document.toJS() as PrometheusRule);
    if (rule?.kind !== 'PrometheusRule') throw new Error(text);
    return rule.spec;
  }

  const rulesOf = ({ groups }: PrometheusRule['spec']) => groups.flatMap(({ rules }) => rules);

  test('passes promtool', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-rules-'));
    const file = path.join(folder, 'rules.yaml');
    writeFileSync(file, stringify(await rendered()));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', '--lint-fatal', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  });

  test('leaves out, labels and links alerts as the values say', async () => {
    const all = rulesOf(await rendered());
    const some = rulesOf(await rendered('disabled={WeirBug}', 'alertLabels.severity=page', 'runbookBase=https://weir.example/'));
    expect(some.map(({ alert }) => alert)).toEqual(all.map(({ alert }) => alert).filter((alert) => alert !== 'WeirBug'));
    expect(some.every(({ labels }) => labels['severity'] === 'page')).toBe(true);
    expect(some[0]?.annotations['runbook_url']).toBe(`https://weir.example/${all[0]?.annotations['runbook_url']}`);
  });
});
