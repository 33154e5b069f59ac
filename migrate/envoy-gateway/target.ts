// Targets of Envoy Gateway's policies, which have the form that Weir's have.
import type { Fields } from '../fields.ts';

/** One entry of targetRefs. */
export interface Target {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string;
}

/** The targets of a policy, the older `targetRef` included. */
export function targetsOf(spec: Fields): readonly Target[] {
  const refs = [...(spec.has('targetRef') ? [spec.group('targetRef')] : []), ...spec.groups('targetRefs')];
  return refs.map((ref) => {
    const group = ref.text('group');
    const sectionName = ref.text('sectionName');
    const named = { kind: ref.text('kind') ?? '', name: ref.text('name') ?? '' };
    return { ...(group === undefined ? {} : { group }), ...named, ...(sectionName === undefined ? {} : { sectionName }) };
  });
}

/** What names the targets in the spec of one of Weir's policies. */
export function targeting(spec: Fields): Readonly<Record<string, unknown>> {
  const targetRefs = targetsOf(spec);
  const targetSelectors = spec.whole('targetSelectors');
  return { ...(targetRefs.length > 0 ? { targetRefs } : {}), ...(targetSelectors === undefined ? {} : { targetSelectors }) };
}
