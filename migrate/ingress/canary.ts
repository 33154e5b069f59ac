// Canary Ingresses of ingress-nginx: a share of the requests, or those with a header or cookie, go to another backend.
import type { InputObject } from '../input.ts';
import type { BackendRef, Rule, ValueMatch } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { annotationField } from './annotations.ts';
import type { Annotations } from './annotations.ts';

/** Which requests a canary gets. */
export interface Canary {
  readonly object: InputObject;
  /** Conditions of which one has to hold; empty where only the weight decides. */
  readonly headers: readonly ValueMatch[];
  readonly weight: number;
  readonly total: number;
  /** Its backend by host and path. */
  readonly backends: ReadonlyMap<string, BackendRef>;
}

/** How a canary takes its requests, by its annotations. */
export function canaryOf(object: InputObject, annotations: Annotations, backends: ReadonlyMap<string, BackendRef>, plan: Plan): Canary {
  const weight = Number(annotations.text('canary-weight') ?? 0);
  const total = Number(annotations.text('canary-weight-total') ?? 100);
  const headers = headersOf(annotations);
  if (headers.length > 0) {
    const reason = 'the value "never", which keeps a client off the canary, has no meaning for the weight any more';
    plan.note('differs', object, { field: annotationField('canary-by-header'), reason });
  }
  return { object, headers, weight, total, backends };
}

function headersOf(annotations: Annotations): ValueMatch[] {
  const name = annotations.text('canary-by-header');
  const value = annotations.text('canary-by-header-value') ?? 'always';
  const pattern = annotations.text('canary-by-header-pattern');
  const cookie = annotations.text('canary-by-cookie');
  const matches: ValueMatch[] = [];
  if (name !== undefined) matches.push(pattern === undefined ? { name, value } : { type: 'RegularExpression', name, value: pattern });
  if (cookie !== undefined) matches.push({ type: 'RegularExpression', name: 'Cookie', value: `(.*;\\s*)?${escaped(cookie)}=always(;.*)?` });
  return matches;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The rules of a path with its canaries: those by header first, then the rule itself with shares of the weight. */
export function withCanaries(rule: Rule, key: string, canaries: readonly Canary[]): Rule[] {
  const rules: Rule[] = [];
  let backendRefs = rule.backendRefs ?? [];
  for (const { headers, weight, total, backends } of canaries) {
    const backend = backends.get(key);
    if (backend === undefined) continue;
    for (const header of headers)
      rules.push({ ...rule, matches: (rule.matches ?? []).map((match) => ({ ...match, headers: [header] })), backendRefs: [backend] });
    if (weight > 0) backendRefs = [...backendRefs.map((ref) => ({ ...ref, weight: total - weight })), { ...backend, weight }];
  }
  return [...rules, { ...rule, backendRefs }];
}
