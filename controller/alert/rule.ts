// A rule ready for evaluation: its expressions and texts compiled once.
import { compileAlertExpression, isComparison, literalOf, type AlertExpression } from '#api/alert/expression.ts';
import type { SubjectFacts, TrafficNeeds } from '#api/alert/facts.ts';
import { compileAlertText, type AlertText } from '#api/alert/text.ts';
import type { AlertRuleSpec } from '#api/k8s/alert-rule.ts';
import { parseDuration } from '#lib/duration.ts';
import { serialize } from '@marcbachmann/cel-js/serialize';
import type { WantedRule } from '../watch/alerts.ts';

/** A rule with its compiled parts. */
export interface Rule {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly namespace: string;
  /** The label `alertname` of its alerts. */
  readonly name: string;
  readonly spec: AlertRuleSpec;
  /** Whether Weir has it by default. */
  readonly isDefault: boolean;
  readonly needs: TrafficNeeds;
  readonly forMs: number;
  readonly keepMs: number;
  /** Null for a query of Prometheus. */
  readonly condition: AlertExpression | null;
  readonly value: AlertExpression | null;
  readonly summary: AlertText;
  readonly description: AlertText;
}

/** Compiles a rule that is valid (api/k8s/alert-rule-rules.ts). Throws for one that is not, which is a bug. */
export function ruleOf({ namespace, name, spec }: Pick<WantedRule, 'namespace' | 'name' | 'spec'>, isDefault = false): Rule {
  const { each, expression, prometheus } = spec;
  const subject = prometheus === undefined ? each : null;
  const condition = expression === undefined ? null : valid(compileAlertExpression(expression, each, 'bool'));
  const value = condition === null ? null : valueOf(condition, spec);
  const [summary, description] = [spec.summary, spec.description].map((text) => valid(compileAlertText(text, subject))) as [
    AlertText,
    AlertText,
  ];
  return {
    ...{ id: `${namespace}/${name}`, namespace, name, spec, isDefault },
    ...{ forMs: millisecondsOf(spec.for), keepMs: millisecondsOf(spec.keepFiringFor) },
    ...{ condition, value, summary, description },
    needs: new Map([...(condition?.needs ?? []), ...(value?.needs ?? []), ...summary.needs, ...description.needs]),
  };
}

function valid<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string }): T {
  if (!result.ok) throw new Error(`a rule that was found valid ${result.error}`);
  return result.value;
}

function millisecondsOf(duration: string): number {
  const parsed = parseDuration(duration);
  return parsed.ok ? parsed.value : 0;
}

/** The number of an alert: what the rule says, or the left side of the first comparison. Null without one. */
function valueOf(condition: AlertExpression, { each, value }: AlertRuleSpec): AlertExpression | null {
  if (value !== undefined) return valid(compileAlertExpression(value, each, 'double'));
  let node = condition.ast;
  while (node.op === '&&' || node.op === '||' || node.op === '!_') node = node.op === '!_' ? node.args : node.args[0];
  if (!isComparison(node)) return null;
  const [left] = node.args;
  if (literalOf(left) !== null) return null;
  const compiled = compileAlertExpression(serialize(left), each, 'double');
  return compiled.ok ? compiled.value : null;
}

/** The number of an alert of a subject; 1 if the rule has none. */
export function numberOf({ value }: Rule, facts: SubjectFacts): number {
  const made = value?.evaluate(facts, 0);
  return made?.ok === true ? Number(made.value) : 1;
}
