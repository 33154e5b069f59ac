// One evaluation of all rules: the findings of each, and whether it is sure that there are no others.
import type { SubjectFacts } from '#api/alert/facts.ts';
import type { SubjectKind } from '#api/alert/subjects.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { WindowReader } from '../telemetry/window/reader.ts';
import type { Finding } from './alert.ts';
import { subjectsOf, type Inventory, type Subjects } from './facts.ts';
import type { Prometheus } from './prometheus.ts';
import { numberOf, type Rule } from './rule.ts';

/** What evaluations read. */
export interface Sources {
  readonly reader: WindowReader;
  readonly inventory: Inventory;
  readonly prometheus: Pick<Prometheus, 'query'>;
  /** Rules of other namespaces are about their own namespace only; null: all rules are about all. */
  readonly operatorNamespace: string | null;
}

/** The findings of a rule. */
export interface Outcome {
  readonly rule: Rule;
  readonly findings: readonly Finding[];
  /** What does not hold is known not to hold. */
  readonly isSure: boolean;
}

/** Alerts of one rule. */
export const MAX_PER_RULE = 500;

/** Evaluates rules. One result for each, in order. */
export async function evaluate(rules: readonly Rule[], sources: Sources): Promise<readonly (readonly [Rule, Result<Outcome>])[]> {
  const kinds = new Map<SubjectKind, Promise<Result<Subjects>>>();
  for (const [kind, same] of Map.groupBy(
    rules.filter(({ condition }) => condition !== null),
    ({ spec }) => spec.each,
  ))
    kinds.set(kind, subjectsOf(kind, same, sources));
  return Promise.all(rules.map(async (rule) => [rule, await outcomeOf(rule, kinds, sources)] as const));
}

async function outcomeOf(
  rule: Rule,
  kinds: ReadonlyMap<SubjectKind, Promise<Result<Subjects>>>,
  sources: Sources,
): Promise<Result<Outcome>> {
  const { prometheus, each } = rule.spec;
  if (prometheus !== undefined) return queried(rule, prometheus.query, sources);
  const subjects = await kinds.get(each);
  if (subjects === undefined || !subjects.ok) return err(subjects?.error ?? 'has no condition');
  return observed(rule, subjects.value, sources);
}

/** Each series of the result is an alert. */
async function queried(rule: Rule, query: string, { prometheus }: Sources): Promise<Result<Outcome>> {
  const series = await prometheus.query(query);
  if (!series.ok) return series;
  const findings = series.value.map(({ labels, value }) => findingOf(rule, { labels, values: {}, traffic: noTraffic }, value));
  return ok({ rule, findings, isSure: true });
}

function noTraffic(): never {
  throw new Error('a query of Prometheus has no traffic');
}

function observed(rule: Rule, { facts, isSure }: Subjects, { operatorNamespace }: Sources): Result<Outcome> {
  const own = facts.filter(
    ({ labels }) => operatorNamespace === null || rule.namespace === operatorNamespace || isIn(labels, rule.namespace),
  );
  const findings: Finding[] = [];
  for (const subject of own) {
    const holds = rule.condition?.evaluate(subject, 0);
    if (holds?.ok === false) return err(`the expression has no value: ${holds.error}`);
    if (holds?.value === true) findings.push(findingOf(rule, subject, numberOf(rule, subject)));
    if (findings.length > MAX_PER_RULE) return err(`the rule holds for more than ${MAX_PER_RULE} subjects; make it narrower`);
  }
  return ok({ rule, findings, isSure: isSure(rule.needs.values()) });
}

/** Whether a subject belongs to a namespace: its key is KIND/NAMESPACE/..., or NAMESPACE/... of Secrets and limits. */
function isIn(labels: Readonly<Record<string, string>>, namespace: string): boolean {
  const key = labels['route'] ?? labels['backend'];
  if (key !== undefined) return key.split('/')[1] === namespace;
  return (labels['secret'] ?? labels['limit'] ?? '').split('/')[0] === namespace;
}

function findingOf(rule: Rule, facts: SubjectFacts, value: number): Finding {
  const { namespace, name, spec, summary, description } = rule;
  // A series of Prometheus may have a namespace of its own, which tells it from others.
  const labels = { namespace, ...facts.labels, ...spec.labels, alertname: name, severity: spec.severity };
  return { labels, value, summary: summary.write(facts, value), description: description.write(facts, value) };
}
