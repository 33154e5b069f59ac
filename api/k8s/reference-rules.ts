// Rules that several kinds of routes share and that a schema cannot express: references, names and numbers of rules.
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';
import type { BackendObjectReference, ParentReference } from './reference.ts';

/** A reference to a Service needs a port; `field` is the path of the list. */
export function checkPorts(refs: readonly BackendObjectReference[], field: string): FieldError[] {
  return refs.flatMap((ref, i) =>
    ref.group === '' && ref.kind === 'Service' && ref.port === undefined
      ? [{ field: `${field}[${i}].port`, reason: 'is required for a Service' }]
      : [],
  );
}

const MAX_MATCHES = 128;

/** Names of rules are unique, and the total number of matches is limited. */
export function checkRules(rules: readonly { readonly name?: string; readonly matches: readonly unknown[] }[]): FieldError[] {
  const matches = rules.reduce((sum, rule) => sum + rule.matches.length, 0);
  return [
    ...repeated(rules.map((rule, i) => rule.name ?? `#${i}`)).map((i) => ({
      field: `spec.rules[${i}].name`,
      reason: 'is the name of another rule of this route',
    })),
    ...(matches > MAX_MATCHES ? [{ field: 'spec.rules', reason: `must have at most ${MAX_MATCHES} matches altogether` }] : []),
  ];
}

/** Two references to one parent must name different sections or ports. */
export function checkParentRefs(refs: readonly ParentReference[]): FieldError[] {
  const keys = refs.map((ref) => [ref.group, ref.kind, ref.namespace ?? '', ref.name, ref.sectionName ?? '', ref.port ?? ''].join('|'));
  return repeated(keys).map((i) => ({ field: `spec.parentRefs[${i}]`, reason: 'is listed twice' }));
}
