// Valid objects without effect: listeners without routes, policies and parameters without a target, Services without endpoints,
// folders without a Gateway.
import { POLICY_KINDS, type KindName } from '#api/k8s/kinds.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import type { Policy } from '#api/k8s/policies.ts';
import { isBad } from '../status/problems.ts';
import type { DesiredStatus } from '../compile/result.ts';
import type { Unplaced } from './finding.ts';
import type { Subject } from './subject.ts';

/** A folder without a listener. */
export function emptinessFindings({ objects, content }: Subject): readonly Unplaced[] {
  const own = content.objects.filter(({ kind }) => kind !== 'Namespace');
  const whole = { object: '', field: '' };
  if (own.length === 0) {
    if (content.problems.length > 0) return [];
    const reason = 'the folder has no object that Weir reads; add a Gateway and routes, in files that end with .yaml, .yml or .json';
    return [{ ...whole, severity: 'warning', reason }];
  }
  if (objects.all('Gateway').length > 0) return [];
  return [
    { ...whole, severity: 'info', reason: 'the folder has no Gateway, so Weir serves no traffic; add one as the parent of the routes' },
  ];
}

/** Listeners that answer everything with 404. */
export function listenerFindings({ statuses, content }: Subject): readonly Unplaced[] {
  // A refused route has its own finding.
  if (content.problems.some(({ severity }) => severity === 'error')) return [];
  return statuses.flatMap((status) => (status.type === 'Gateway' || status.type === 'ListenerSet' ? idleListeners(status) : []));
}

function idleListeners({ ref, listeners }: DesiredStatus & { type: 'Gateway' | 'ListenerSet' }): readonly Unplaced[] {
  return listeners.flatMap(({ name, attachedRoutes, conditions }, i): readonly Unplaced[] => {
    if (attachedRoutes > 0 || conditions.some(isBad)) return [];
    const reason = `no route is attached to listener ${name}; it has nothing to forward`;
    return [{ severity: 'info', object: objectId(ref), field: `spec.listeners[${i}]`, reason }];
  });
}

/** Policies without a status: their targets exist, but no Gateway of Weir leads to them. */
export function policyFindings({ objects, statuses }: Subject): readonly Unplaced[] {
  const told = new Set(statuses.map(({ ref }) => objectId(ref)));
  return [...POLICY_KINDS].flatMap((kind) =>
    (objects.all(kind as KindName) as readonly Policy[]).flatMap((policy): readonly Unplaced[] => {
      const object = objectId(refOf(policy));
      if (told.has(object)) return [];
      const { targetRefs, targetSelectors = [] } = policy.spec as Partial<Policy['spec']> & Pick<Policy['spec'], 'targetRefs'>;
      const names = targetRefs.map((ref) => `${ref.kind}/${policy.metadata.namespace ?? ''}/${ref.name}`);
      if (names.length === 0) return [selectsNothing(object, targetSelectors)];
      const reason = `no Gateway of Weir leads to ${names.join(', ')}: the policy has no effect`;
      return [{ severity: 'warning', object, field: 'spec.targetRefs', reason }];
    }),
  );
}

function selectsNothing(object: string, selectors: Policy['spec']['targetSelectors']): Unplaced {
  const kinds = [...new Set(selectors.map(({ kind }) => kind))].join(', ');
  const reason = `no ${kinds} with these labels is served by Weir: the policy has no effect`;
  return { severity: 'warning', object, field: 'spec.targetSelectors', reason };
}

/** GatewayParameters that neither a class nor a Gateway refers to. */
export function parametersFindings({ objects }: Subject): readonly Unplaced[] {
  const used = new Set([
    ...objects.all('GatewayClass').map(({ spec }) => `${spec.parametersRef?.namespace ?? ''}/${spec.parametersRef?.name ?? ''}`),
    ...objects.all('Gateway').map(({ metadata, spec }) => `${metadata.namespace ?? ''}/${spec.infrastructure?.parametersRef?.name ?? ''}`),
  ]);
  return objects
    .all('GatewayParameters')
    .filter(({ metadata }) => !used.has(`${metadata.namespace ?? ''}/${metadata.name}`))
    .map((parameters) => {
      const reason = 'no GatewayClass and no Gateway refers to it: it has no effect';
      return { severity: 'warning', object: objectId(refOf(parameters)), field: '', reason };
    });
}

/** Services of routes without endpoints: without a cluster there is no controller that creates EndpointSlices. */
export function endpointFindings({ resources, served, objects }: Subject): readonly Unplaced[] {
  if (!served) return [];
  return resources.flatMap((resource): readonly Unplaced[] => {
    if (resource.kind !== 'Endpoints' || resource.endpoints.length > 0 || !resource.key.startsWith('Service/')) return [];
    const [, namespace = '', name = '', port = ''] = resource.key.split('/');
    const object = objectId({ kind: 'Service', namespace, name });
    if (objects.get(object) === undefined) return [];
    const reason = `port ${port} has no endpoint that is ready: a folder needs an EndpointSlice with the label kubernetes.io/service-name, or a Backend`;
    return [{ severity: 'warning', object, field: 'spec.ports', reason }];
  });
}
