// The targets of a policy, by name and by label.
import type { Policy } from '#api/k8s/policies.ts';
import type { PolicyTargetRef } from '#api/k8s/policy.ts';
import { selects } from './label-selector.ts';
import type { View } from './view.ts';

/** The targets of a policy: those by name, then those by label, without duplicates. */
export function targetsOf(view: View, { metadata, spec }: Policy): readonly PolicyTargetRef[] {
  const namespace = metadata.namespace ?? '';
  const selected = spec.targetSelectors.flatMap((selector) => {
    const objects = view.list('targetsByNamespace', `${selector.kind}/${namespace}`);
    return objects
      .filter((object) => selects(selector, object.metadata.labels ?? {}))
      .map((object): PolicyTargetRef => ({ group: selector.group, kind: selector.kind, name: object.metadata.name }));
  });
  const targets = [...spec.targetRefs, ...selected];
  return [...new Map(targets.map((ref) => [`${ref.kind}/${ref.name}/${ref.sectionName ?? ''}`, ref])).values()];
}
