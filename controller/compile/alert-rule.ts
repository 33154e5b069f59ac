// AlertRules: the status of each, and the rule for the evaluator if it is valid.
import { SUBJECT_TABLE } from '#api/alert/subjects.ts';
import { checkAlertRule } from '#api/k8s/alert-rule-rules.ts';
import { describeError } from '#api/k8s/field-error.ts';
import type { AlertRule } from '#api/k8s/alert-rule.ts';
import { didYouMean } from '#lib/nearest.ts';
import { exportOwner } from '../watch/alerts.ts';
import * as conditions from './alert-conditions.ts';
import type { DesiredCondition } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** Key: `<namespace>/<name>`. The root of every AlertRule. */
export const alertRuleUnit: UnitKind<null> = {
  name: 'alert-rule',
  stage: 'summary',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const rule = view.object('AlertRule', namespace, name);
    if (rule === undefined) return valueOnly(null);
    const ref = { kind: 'AlertRule', namespace, name };
    const broken = brokenRules(view, rule);
    const status = { ref, uid: rule.metadata.uid ?? '', type: 'Alerting' as const, conditions: conditionsOf(view, rule, broken) };
    return { ...valueOnly(null), status, alerts: broken === '' ? { kind: 'AlertRule', namespace, name, spec: rule.spec } : null };
  },
};

/** The broken rules as text; '' if there are none. */
function brokenRules({ options }: View, rule: AlertRule): string {
  const { namespace = '' } = rule.metadata;
  const errors = checkAlertRule(rule);
  const owner = options.operatorNamespace;
  if (owner === null || owner === namespace) return errors.map(describeError).join('; ');
  const { each, prometheus } = rule.spec;
  const remedy = `only rules in the namespace ${owner} may, since it concerns all namespaces`;
  const reserved = [
    ...(prometheus === undefined ? [] : [{ field: 'spec.prometheus', reason: `queries all metrics; ${remedy}` }]),
    ...(prometheus === undefined && SUBJECT_TABLE[each].isReserved ? [{ field: 'spec.each', reason: `is ${each}; ${remedy}` }] : []),
  ];
  return [...errors, ...reserved].map(describeError).join('; ');
}

function conditionsOf(view: View, { metadata, spec }: AlertRule, broken: string): readonly DesiredCondition[] {
  const { generation = 0, namespace = '', name } = metadata;
  if (broken !== '') return [conditions.alertingNotAccepted(generation, broken)];
  const missing = spec.channels.flatMap((channel, i) => missingChannel(view, namespace, channel.name, `spec.channels[${i}]`));
  const state = view.alertState(`AlertRule/${namespace}/${name}`);
  const exported = view.alertState(exportOwner(`${namespace}/${name}`));
  return [
    conditions.alertingAccepted(generation, 'the AlertRule is valid'),
    missing.length === 0 ? conditions.alertingRefsResolved(generation) : conditions.alertingRefsNotResolved(generation, missing.join('; ')),
    ...(state === undefined ? [] : conditions.ruleState(generation, state)),
    ...(exported === undefined ? [] : [conditions.ruleExport(generation, exported)]),
  ];
}

function missingChannel(view: View, namespace: string, name: string, field: string): readonly string[] {
  if (view.object('NotificationChannel', namespace, name) !== undefined) return [];
  const others = view.list('channelsByNamespace', namespace).map(({ metadata }) => metadata.name);
  return [`${field}: NotificationChannel/${namespace}/${name} does not exist${didYouMean(name, others)}`];
}
