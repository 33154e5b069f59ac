// The rules of references in routes of every kind that a schema cannot state.
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';
import type { BackendObjectReference, ParentReference } from './reference.ts';

/** A Service is referred to with a port; `field` is the path of the list. */
export function checkPorts(refs: readonly BackendObjectReference[], field: string): FieldError[] {
  return refs.flatMap((ref, i) =>
    ref.group === '' && ref.kind === 'Service' && ref.port === undefined
      ? [{ field: `${field}[${i}].port`, reason: 'is required for a Service' }]
      : [],
  );
}

/** Two references to one parent must name different sections or ports. */
export function checkParentRefs(refs: readonly ParentReference[]): FieldError[] {
  const keys = refs.map((ref) => [ref.group, ref.kind, ref.namespace ?? '', ref.name, ref.sectionName ?? '', ref.port ?? ''].join('|'));
  return repeated(keys).map((i) => ({ field: `spec.parentRefs[${i}]`, reason: 'is listed twice' }));
}
