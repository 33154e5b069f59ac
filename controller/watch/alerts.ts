// The alert rules and channels that compile has found valid, and what the evaluator tells back about each.
import type { AlertRuleSpec } from '#api/k8s/alert-rule.ts';
import type { NotificationChannelSpec } from '#api/k8s/notification-channel.ts';
import type { ObjectRef } from '#api/k8s/object.ts';

/** A rule to evaluate. Plain data. */
export interface WantedRule {
  readonly kind: 'AlertRule';
  readonly namespace: string;
  readonly name: string;
  readonly spec: AlertRuleSpec;
}

/** A channel to send to, with the entries of its Secrets by the path of the field. Plain data. */
export interface WantedChannel {
  readonly kind: 'NotificationChannel';
  readonly namespace: string;
  readonly name: string;
  readonly spec: NotificationChannelSpec;
  readonly secrets: Readonly<Record<string, string>>;
}

export type WantedAlerts = WantedRule | WantedChannel;

/** What became of a rule or a channel, for its status. */
export interface AlertState {
  /** Why the rule cannot be evaluated, or the channel gets nothing; '' if there is no reason. */
  readonly trouble: string;
  /** Of a rule: the alerts that fire. */
  readonly firing: number;
}

/** The name of a state among objects, by the id of its rule or channel. */
export function alertStateRef(owner: string): ObjectRef {
  return { kind: 'AlertState', namespace: '', name: owner };
}

/** The owner of the state of an export, by the `<namespace>/<name>` of its AlertRule: `trouble` says why no PrometheusRule has the rule. */
export function exportOwner(rule: string): string {
  return `PrometheusRule/${rule}`;
}
