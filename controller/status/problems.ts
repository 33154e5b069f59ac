// Problems in desired statuses, for logs and terminals: without a cluster there are no conditions to read.
import { objectId } from '#api/k8s/object.ts';
import type { DesiredCondition, DesiredStatus, ParentRef } from '../compile/result.ts';

/** A condition that reports a problem, and its object. */
export interface StatusProblem {
  /** `Kind/namespace/name`. */
  readonly object: string;
  /** The part of the object: a listener, the parent of a route, or '' for the whole object. */
  readonly part: string;
  readonly condition: string;
  readonly reason: string;
  readonly message: string;
}

/** Condition types for which False is good. For all others True is good. */
const BAD_WHEN_TRUE: ReadonlySet<string> = new Set([
  'Conflicted',
  'OverlappingTLSConfig',
  'PartiallyInvalid',
  'InsecureFrontendValidationMode',
]);

/** The conditions of a status that report problems, in the order of the status. */
export function problemsOf(status: DesiredStatus): readonly StatusProblem[] {
  const object = objectId(status.ref);
  return partsOf(status).flatMap(([part, conditions]) =>
    conditions.filter(isBad).map(({ type, reason, message }) => ({ object, part, condition: type, reason, message })),
  );
}

function isBad({ type, status }: DesiredCondition): boolean {
  return status === (BAD_WHEN_TRUE.has(type) ? 'True' : 'False');
}

/** The conditions of a status by part: a listener, the parent of a route, an ancestor of a policy, or '' for the whole object. */
export function partsOf(status: DesiredStatus): (readonly [string, readonly DesiredCondition[]])[] {
  switch (status.type) {
    case 'GatewayClass':
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
