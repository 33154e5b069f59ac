// What can be known of a policy that cannot be decoded: whether its kind protects its targets, and these targets.
import { Ajv } from 'ajv';
import { keyParts, PolicyTarget, type EncodedResource, type Policy } from '../ir/ir.ts';
import { PROTECTING } from '../policy/problems.ts';

const isTarget = new Ajv({ strict: false }).compile<PolicyTarget>(PolicyTarget);

/** The policy without its settings, with all targets that can be read; null if its kind protects nothing. Never throws. */
export function protectionIn({ kind, key, body }: Pick<EncodedResource, 'kind' | 'key' | 'body'>): Policy | null {
  const [policyKind, namespace, name] = keyParts(key);
  if (kind !== 'Policy' || !PROTECTING.some((each) => each === policyKind)) return null;
  const { targets, createdAt } = fieldsOf(body);
  return {
    ...{ kind: 'Policy', key, policyKind, namespace, name, settings: {} },
    createdAt: Number.isSafeInteger(createdAt) ? Number(createdAt) : 0,
    targets: Array.isArray(targets) ? targets.filter((target): target is PolicyTarget => isTarget(target)) : [],
  };
}

function fieldsOf(body: Buffer): { readonly targets?: unknown; readonly createdAt?: unknown } {
  try {
    const content: unknown = JSON.parse(body.toString());
    return typeof content === 'object' && content !== null ? content : {};
  } catch {
    return {};
  }
}
