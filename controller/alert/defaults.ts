// The alert rules that Weir has by default, for what operators must know. Those with the name of an alert of the chart have its meaning, and
// docs/guides/alerts.md says what to do about each.
import { ADMIN_ALERT_NAMES } from '#api/alert/admin-alerts.ts';
import { AlertRule } from '#api/k8s/alert-rule.ts';
import type { AlertRuleSpec } from '#api/k8s/alert-rule.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { didYouMean } from '#lib/nearest.ts';
import { ruleOf, type Rule } from './rule.ts';

/** The namespace of the default rules without a cluster: that of objects that name none. */
export const STANDALONE_NAMESPACE = 'default';

/** A default rule. The other fields have their defaults. */
type DefaultSpec = Pick<AlertRuleSpec, 'summary'> & Partial<AlertRuleSpec>;

/** By name, in the order of the reference. */
export const DEFAULT_RULES: Readonly<Record<string, DefaultSpec>> = {
  WeirHighErrorRatio: {
    each: 'Route',
    expression: 'traffic.errorRatio("5m") > 0.05 && traffic.requests("5m") >= 20.0',
    for: '5m',
    severity: 'critical',
    summary: '{{ labels.route }} answers {{ percent(value) }} of its requests with 5xx.',
  },
  WeirErrorBudgetBurns: {
    each: 'Installation',
    // At this rate the errors of 30 days that 99.9 % allow are spent in two days.
    expression: 'traffic.errorRatio("1h") > 0.0144 && traffic.errorRatio("5m") > 0.0144 && traffic.requests("1h") >= 1000.0',
    for: '2m',
    severity: 'critical',
    summary: '{{ percent(value) }} of all requests of the last hour were answered with 5xx: 14 times as many as 99.9 % allow.',
  },
  WeirLatencyBudgetBurns: {
    each: 'Installation',
    expression: 'traffic.slowRatio(1.0, "1h") > 0.144 && traffic.slowRatio(1.0, "5m") > 0.144 && traffic.requests("1h") >= 1000.0',
    for: '2m',
    severity: 'warning',
    summary: '{{ percent(value) }} of all requests of the last hour took longer than a second: 14 times as many as 99 % allow.',
  },
  WeirLimitsSaturated: {
    each: 'Route',
    expression: 'traffic.failures("rate_limited", "5m") > 0.1 * traffic.requests("5m") && traffic.requests("5m") >= 20.0',
    for: '10m',
    severity: 'info',
    summary: 'Limits refuse more than a tenth of the requests of {{ labels.route }}: {{ round(value) }} in five minutes.',
  },
  WeirShedding: {
    each: 'Installation',
    expression: 'traffic.failures("overloaded", "5m") > 0.0',
    for: '5m',
    severity: 'critical',
    summary: 'Proxies are overloaded and have refused {{ round(value) }} requests in five minutes.',
  },
  WeirEventLoopLag: {
    each: 'Proxy',
    expression: 'proxy.lag > 0.25',
    for: '5m',
    severity: 'warning',
    summary: 'Timers of proxy {{ labels.proxy }} run {{ seconds(value) }} late. It has too little CPU, or too much to do.',
  },
  WeirBackendFailing: {
    each: 'Backend',
    expression: 'traffic.errorRatio("5m") > 0.1 && traffic.requests("5m") >= 20.0',
    for: '5m',
    severity: 'critical',
    summary: '{{ percent(value) }} of the attempts at {{ labels.backend }} fail or are answered with 5xx.',
  },
  WeirBackendWithoutEndpoints: {
    each: 'Backend',
    expression: 'backend.endpoints == 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ labels.backend }} has no endpoints.',
  },
  WeirBackendUnhealthy: {
    each: 'Backend',
    expression: 'backend.endpoints > 0 && backend.usable == 0',
    value: 'backend.endpoints',
    for: '2m',
    severity: 'critical',
    summary: 'No endpoint of {{ labels.backend }} is healthy; it has {{ round(value) }}.',
  },
  WeirBreakerOpen: {
    each: 'Backend',
    expression: 'backend.breakerOpen',
    for: '5m',
    severity: 'critical',
    summary: 'The circuit breaker of {{ labels.backend }} has stopped requests for five minutes.',
  },
  WeirConfigRefused: {
    each: 'Installation',
    expression: 'installation.refused > 0',
    for: '5m',
    severity: 'warning',
    summary: 'Proxies refuse {{ round(value) }} resources and serve them as they were before, if at all.',
  },
  WeirConfigDrift: {
    each: 'Fleet',
    expression: 'fleet.outdated > 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ round(value) }} proxies of {{ labels.fleet }} serve another configuration than the others.',
  },
  WeirListenerUnserved: {
    each: 'Installation',
    expression: 'installation.unservedListeners > 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ round(value) }} listeners cannot be served.',
  },
  WeirNoProxies: {
    each: 'Installation',
    expression: 'installation.proxies == 0',
    for: '2m',
    severity: 'critical',
    summary: 'No proxy reports to a controller.',
  },
  WeirCertificateExpiresSoon: {
    each: 'Certificate',
    expression: 'certificate.daysLeft < 14.0',
    for: '1h',
    severity: 'warning',
    summary: 'The certificate of Secret {{ labels.secret }} expires in {{ round(value) }} days.',
  },
  WeirCertificateExpires: {
    each: 'Certificate',
    expression: 'certificate.daysLeft < 2.0',
    for: '10m',
    severity: 'critical',
    summary: 'The certificate of Secret {{ labels.secret }} expires in {{ round(value) }} days, or has expired.',
  },
};

/** The default rules without those that are disabled, as rules of the namespace. */
export function defaultRules(namespace: string, disabled: readonly string[]): readonly Rule[] {
  return Object.entries(DEFAULT_RULES)
    .filter(([name]) => !disabled.includes(name))
    .map(([name, spec]) => ruleOf({ namespace, name, spec: complete(spec) }, true));
}

/** The fault in the names of default rules and of alerts of the admin program; '' without one. */
export function unknownDefaults(names: readonly string[]): string {
  const known = [...Object.keys(DEFAULT_RULES), ...ADMIN_ALERT_NAMES];
  return names
    .filter((name) => !known.includes(name))
    .map((name) => `--disabled-alerts: there is no default rule ${name}${didYouMean(name, known)}`)
    .join('; ');
}

/** The spec with its defaults. Throws for a mistake in the table, which is a bug. */
function complete(spec: DefaultSpec): AlertRuleSpec {
  const { apiVersion, kind } = AlertRule.properties;
  const object = { apiVersion: apiVersion.const, kind: kind.const, metadata: { name: 'default' }, spec };
  const valid = validateObject(object, { strict: true });
  if (!valid.ok) throw new Error(`a default rule is invalid: ${JSON.stringify(valid.error)}`);
  return (valid.value as AlertRule).spec;
}
