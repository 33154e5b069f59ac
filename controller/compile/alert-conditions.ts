// The conditions of AlertRules and NotificationChannels.
import type { AlertState } from '../watch/alerts.ts';
import { condition } from './conditions.ts';
import type { DesiredCondition } from './result.ts';

export function alertingAccepted(generation: number, message: string): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', message, generation);
}

export function alertingNotAccepted(generation: number, message: string): DesiredCondition {
  return condition('Accepted', 'False', 'Invalid', message, generation);
}

export function alertingRefsResolved(generation: number): DesiredCondition {
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', 'every reference is resolved', generation);
}

export function alertingRefsNotResolved(generation: number, message: string): DesiredCondition {
  return condition('ResolvedRefs', 'False', 'InvalidRef', message, generation);
}

/** Whether a rule can be evaluated, and whether its alerts fire. */
export function ruleState(generation: number, { trouble, firing }: AlertState): readonly DesiredCondition[] {
  const alerts = firing === 1 ? '1 alert fires' : `${firing} alerts fire`;
  return [
    trouble === ''
      ? condition('Evaluated', 'True', 'Evaluated', 'the rule is evaluated', generation)
      : condition('Evaluated', 'False', 'Failed', trouble, generation),
    firing > 0
      ? condition('Firing', 'True', 'Firing', `${alerts}; weir alerts list shows them`, generation)
      : condition('Firing', 'False', 'Quiet', 'no alert fires', generation),
  ];
}

/** Whether a PrometheusRule has a rule. */
export function ruleExport(generation: number, { trouble }: AlertState): DesiredCondition {
  if (trouble !== '') return condition('Exported', 'False', 'Failed', trouble, generation);
  return condition('Exported', 'True', 'Exported', 'a PrometheusRule has the rule', generation);
}

/** Whether notifications reach a channel. */
export function channelState(generation: number, { trouble }: AlertState): DesiredCondition {
  if (trouble !== '') return condition('Delivered', 'False', 'Failed', trouble, generation);
  return condition('Delivered', 'True', 'Delivered', 'the last notification was delivered', generation);
}
