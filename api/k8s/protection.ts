// Whether a policy protects its targets: by its kind, or by a setting that it has.
import { policyKindOf } from './policies.ts';

/** Whether requests to the targets of a policy with these settings are refused while the policy cannot be applied. */
export function protectsTargets(kind: string, settings: object): boolean {
  const definition = policyKindOf(kind);
  if (definition === undefined || !('protects' in definition)) return false;
  const { protects } = definition;
  return protects === true || protects.some((setting) => setting in settings);
}
