// What can be known of a policy that cannot be decoded: whether it protects its targets, and these targets.
import { fits } from '#lib/json-schema.ts';
import { keyParts, PolicyTarget, type EncodedResource, type Policy } from '../ir/ir.ts';
import { protectsTargets } from '../policy/problems.ts';

/** The policy without its settings, with all targets that can be read; null if it protects nothing. Never throws. */
export function protectionIn({ kind, key, body }: Pick<EncodedResource, 'kind' | 'key' | 'body'>): Policy | null {
  const [policyKind, namespace, name] = keyParts(key);
  if (kind !== 'Policy') return null;
  const { targets, createdAt, settings } = fieldsOf(body);
  if (!protectsTargets(policyKind, typeof settings === 'object' && settings !== null ? settings : {})) return null;
  return {
    ...{ kind: 'Policy', key, policyKind, namespace, name, settings: {} },
    createdAt: Number.isSafeInteger(createdAt) ? Number(createdAt) : 0,
    targets: Array.isArray(targets) ? targets.filter((target): target is PolicyTarget => fits(PolicyTarget, target)) : [],
  };
}

function fieldsOf(body: Buffer): { readonly targets?: unknown; readonly createdAt?: unknown; readonly settings?: unknown } {
  try {
    const content: unknown = JSON.parse(body.toString());
    return typeof content === 'object' && content !== null ? content : {};
  } catch {
    return {};
  }
}
