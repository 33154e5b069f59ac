// The status of a BackendTLSPolicy: one entry for each Gateway that reaches what the policy targets.
import type { BackendTlsPolicy, BackendTlsTarget } from '#api/k8s/k8s.ts';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { gatewaysTo } from './ancestors.ts';
import { compileBackendTls, governing, targetKey } from './backend-tls.ts';
import * as conditions from './conditions.ts';
import type { DesiredCondition, ParentRef } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** Key: `<namespace>/<name>`. The root of every BackendTLSPolicy. Clusters find the policies by their targets. */
export const backendTlsStatusUnit: UnitKind<null> = {
  name: 'backend-tls-status',
  stage: 'summary',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const policy = view.object('BackendTLSPolicy', namespace, name);
    if (policy === undefined) return valueOnly(null);
    const targets = policy.spec.targetRefs.map((ref) => resolveTarget(view, policy, ref));
    const ancestors = new Map(targets.flatMap((target) => target.ancestors).map((ref) => [JSON.stringify(ref), ref]));
    if (ancestors.size === 0) return valueOnly(null);
    const found = conditionsOf(view, policy, targets);
    return {
      ...valueOnly(null),
      status: {
        ref: { kind: 'BackendTLSPolicy', namespace, name },
        uid: policy.metadata.uid ?? '',
        type: 'Policy',
        ancestors: [...ancestors.values()].map((ancestorRef) => ({ ancestorRef, conditions: found })),
      },
    };
  },
};

/** The outcome of one targetRef. */
interface Target {
  readonly ancestors: readonly ParentRef[];
  readonly obstacle: conditions.PolicyObstacle | null;
}

function resolveTarget(view: View, policy: BackendTlsPolicy, ref: BackendTlsTarget): Target {
  const namespace = policy.metadata.namespace ?? '';
  const missing = whyMissing(view, ref, namespace);
  // Without a Gateway the target itself is the ancestor.
  if (missing !== null) return { ancestors: [{ ...ref, namespace }], obstacle: missing };
  const key = targetKey(ref, namespace);
  const winner = governing(view, key, ref.sectionName ?? '')?.metadata.name ?? policy.metadata.name;
  const message = `BackendTLSPolicy/${namespace}/${winner} is older and targets ${ref.kind}/${namespace}/${ref.name} too`;
  return {
    ancestors: gatewaysTo(view, `${ref.kind}/${namespace}/${ref.name}`),
    obstacle: winner === policy.metadata.name ? null : { reason: 'Conflicted', message },
  };
}

function whyMissing(view: View, ref: BackendTlsTarget, namespace: string): conditions.PolicyObstacle | null {
  const { group, kind } = ref;
  const id = `${kind}/${namespace}/${ref.name}`;
  const isService = group === '' && kind === 'Service';
  if (!isService && (group !== WEIR_GROUP || kind !== 'Backend')) {
    return { reason: 'Invalid', message: `${id} of group "${group}" cannot be targeted` };
  }
  const lack = isService ? lackOfService(view, ref, namespace) : lackOfBackend(view, ref, namespace);
  return lack === null ? null : { reason: 'TargetNotFound', message: `${id} ${lack}` };
}

function lackOfService(view: View, { name, sectionName }: BackendTlsTarget, namespace: string): string | null {
  const service = view.object('Service', namespace, name);
  if (service === undefined) return 'does not exist';
  const known = sectionName === undefined || service.spec.ports.some((port) => port.name === sectionName);
  return known ? null : `has no port of name ${sectionName}`;
}

function lackOfBackend(view: View, { name, sectionName }: BackendTlsTarget, namespace: string): string | null {
  if (view.object('Backend', namespace, name) === undefined) return 'does not exist';
  return sectionName === undefined ? null : 'has no sections';
}

/** A policy is accepted if it is in force for at least one target. */
function conditionsOf(view: View, policy: BackendTlsPolicy, targets: readonly Target[]): DesiredCondition[] {
  const generation = policy.metadata.generation ?? 0;
  const { obstacle, refObstacle } = compileBackendTls(view, policy);
  const obstacles = targets.flatMap((target) => target.obstacle ?? []);
  const inForce = obstacles.length < targets.length;
  const standing = inForce ? obstacle : (obstacles[0] ?? null);
  const conflicts = obstacles.filter(({ reason }) => reason === 'Conflicted').map(({ message }) => message);
  return [
    standing === null ? conditions.policyAccepted(generation) : conditions.backendTlsNotAccepted(generation, standing),
    refObstacle === null ? conditions.backendTlsRefsResolved(generation) : conditions.backendTlsRefsNotResolved(generation, refObstacle),
    ...(inForce && conflicts.length > 0 ? [conditions.policyPartlyConflicted(generation, conflicts.join('; '))] : []),
  ];
}
