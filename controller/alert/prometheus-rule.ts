// Alert rules as a PrometheusRule of the Prometheus operator (monitoring.coreos.com/v1). Its spec is also a file of rules for Prometheus.
import { annotationOf, promqlOf } from '#api/alert/promql.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Rule } from './rule.ts';

/** A rule of Prometheus. */
export interface ExportedRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The object, and the rules that Prometheus cannot express, with the reason. */
export interface ExportedRules {
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
    readonly spec: { readonly groups: readonly { readonly name: string; readonly rules: readonly ExportedRule[] }[] };
  };
  readonly left: readonly { readonly rule: string; readonly reason: string }[];
}

/**
 * The PrometheusRule of rules. Disabled ones are not exported. Rules outside of `operatorNamespace` are about their own namespace only;
 * null: all rules are about all.
 */
export function prometheusRule(
  rules: readonly Rule[],
  { namespace, name }: { readonly namespace: string; readonly name: string },
  operatorNamespace: string | null,
): ExportedRules {
  const results = rules
    .filter(({ spec }) => !spec.disabled)
    .map((rule) => ({ rule, exported: exportedRule(rule, scopeOf(rule, operatorNamespace)) }));
  const groups = Map.groupBy(
    results.flatMap(({ rule, exported }) => (exported.ok ? [{ rule, exported: exported.value }] : [])),
    ({ rule }) => rule.namespace,
  );
  return {
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'weir' } },
      spec: { groups: [...groups].map(([owner, all]) => ({ name: `weir-${owner}`, rules: all.map(({ exported }) => exported) })) },
    },
    left: results.flatMap(({ rule: { id }, exported }) => (exported.ok ? [] : [{ rule: id, reason: exported.error }])),
  };
}

/** The only namespace that a rule is about; null: all. */
function scopeOf({ namespace }: Rule, operatorNamespace: string | null): string | null {
  return operatorNamespace === null || operatorNamespace === namespace ? null : namespace;
}

function exportedRule({ namespace, name, spec, condition }: Rule, scope: string | null): Result<ExportedRule> {
  const query = condition === null ? ok(spec.prometheus?.query ?? '') : promqlOf(condition.ast, spec.each, scope);
  if (!query.ok) return err(query.error);
  return ok({
    alert: name,
    expr: query.value,
    ...(spec.for === '0s' ? {} : { for: spec.for }),
    ...(spec.keepFiringFor === '0s' ? {} : { keep_firing_for: spec.keepFiringFor }),
    // The namespace of a series is that of the program that reports it.
    labels: { ...spec.labels, severity: spec.severity, rule_namespace: namespace },
    annotations: {
      summary: annotationOf(spec.summary),
      ...(spec.description === '' ? {} : { description: annotationOf(spec.description) }),
      ...(spec.runbook === undefined ? {} : { runbook_url: spec.runbook }),
    },
  });
}
