// Problems in desired statuses, for logs and terminals: without a cluster there are no conditions to read.
import type { DesiredCondition, DesiredStatus, ParentRef } from '../compile/result.ts';

/** Condition types for which False is good. For all others True is good. */
const BAD_WHEN_TRUE: ReadonlySet<string> = new Set([
  'Conflicted',
  'OverlappingTLSConfig',
  'PartiallyInvalid',
  'InsecureFrontendValidationMode',
]);

/** Whether a condition reports a problem. */
export function isBad({ type, status }: DesiredCondition): boolean {
  return status === (BAD_WHEN_TRUE.has(type) ? 'True' : 'False');
}

/** The conditions of a status by part: a listener, the parent of a route, an ancestor of a policy, or '' for the whole object. */
export function partsOf(status: DesiredStatus): (readonly [string, readonly DesiredCondition[]])[] {
  switch (status.type) {
    case 'GatewayClass':
    case 'Backend':
    case 'Consumer':
    case 'Alerting':
      return [['', status.conditions]];
    case 'Gateway':
    case 'ListenerSet':
      return [['', status.conditions], ...status.listeners.map(({ name, conditions }) => [`listener ${name}`, conditions] as const)];
    case 'Policy':
      return status.ancestors.map(({ ancestorRef, conditions }) => [`ancestor ${nameOf(ancestorRef)}`, conditions] as const);
    case 'Route':
      return status.parents.map(({ parentRef, conditions }) => [`parent ${nameOf(parentRef)}`, conditions] as const);
  }
}

function nameOf({ name, sectionName }: ParentRef): string {
  return sectionName === undefined ? name : `${name}/${sectionName}`;
}
