// The place of extensions in the chain of a rule, by the `position` of its ExtensionPolicies: composed once, when the plan of the rule is built.
import type { FilterKind } from './filter.ts';
import type { RulePolicies } from './rule-policies.ts';

/** The kinds in the order for a rule. Without a position, extensions stay where the list has them. */
export function placed(kinds: readonly FilterKind[], policies: Pick<RulePolicies, 'settings'>): readonly FilterKind[] {
  const { position } = policies.settings('ExtensionPolicy').settings;
  if (position === undefined) return kinds;
  const fixed = kinds.filter(({ isExtension }) => isExtension !== true);
  const place = fixed.findIndex(({ name }) => name === (position.before ?? position.after));
  if (place < 0) return kinds;
  return fixed.toSpliced(position.before === undefined ? place + 1 : place, 0, ...kinds.filter(({ isExtension }) => isExtension === true));
}
