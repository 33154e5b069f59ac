// The status of a Backend that routes of this controller use: whether it is valid, and whether its endpoints are known.
import type { Backend } from '#api/k8s/k8s.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import { inUse } from './backend.ts';
import { endpointsOfBackend, type BackendEndpoints } from './backend-endpoints.ts';
import * as conditions from './conditions.ts';
import { faultOf, secretsOf, sourceOf } from './discovered.ts';
import type { DesiredCondition } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** A message names at most this many refused addresses. */
const MAX_NAMED = 8;

/** Key: `<namespace>/<name>`. The root of every Backend. */
export const backendStatusUnit: UnitKind<null> = {
  name: 'backend-status',
  stage: 'summary',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const backend = view.object('Backend', namespace, name);
    const ref = { kind: 'Backend', namespace, name };
    if (backend === undefined || view.count(inUse(objectId(ref))) === 0) return valueOnly(null);
    const status = { ref, uid: backend.metadata.uid ?? '', type: 'Backend' as const, conditions: conditionsOf(view, backend) };
    return { ...valueOnly(null), status };
  },
};

function conditionsOf(view: View, backend: Backend): readonly DesiredCondition[] {
  const generation = backend.metadata.generation ?? 0;
  const fault = faultOf(backend);
  if (fault !== null) return [conditions.backendNotAccepted(generation, fault)];
  const obstacle = obstacleOf(view, backend);
  return [
    conditions.backendAccepted(generation),
    obstacle === null ? conditions.endpointsResolved(generation) : conditions.endpointsNotResolved(generation, obstacle),
  ];
}

/** The first reason counts; the message has all. */
function obstacleOf(view: View, backend: Backend): conditions.Obstacle<string> | null {
  const resolved = endpointsOfBackend(view, backend);
  const source = sourceOf(backend);
  const secrets = source.ok && source.value !== null ? secretsOf(view, backend, source.value.secrets) : null;
  const all = [
    ...(secrets?.ok === false ? [{ reason: 'InvalidSecretRef', message: secrets.error }] : []),
    ...refusedBy(resolved),
    ...(backend.spec.endpoints === undefined ? silenceOf(view, backend, resolved) : []),
  ];
  const [first] = all;
  return first === undefined ? null : { reason: first.reason, message: all.map(({ message }) => message).join('; ') };
}

function refusedBy({ refused }: BackendEndpoints): readonly conditions.Obstacle<string>[] {
  if (refused.length === 0) return [];
  const more = refused.length > MAX_NAMED ? ` and ${refused.length - MAX_NAMED} more` : '';
  return [{ reason: 'AddressRefused', message: `not used: ${refused.slice(0, MAX_NAMED).join(', ')}${more}` }];
}

/** What a source lacks: an answer, or endpoints in it. */
function silenceOf(view: View, backend: Backend, { endpoints, refused }: BackendEndpoints): readonly conditions.Obstacle<string>[] {
  const trouble = view.found(objectId(refOf(backend)))?.trouble ?? null;
  if (trouble !== null) {
    const kept = endpoints === null || endpoints.length === 0 ? '' : '; the last endpoints stay in use';
    return [{ reason: trouble.reason, message: `${trouble.message}${kept}` }];
  }
  if (endpoints === null) return [{ reason: 'Pending', message: 'the source has not answered yet' }];
  return endpoints.length === 0 && refused.length === 0 ? [{ reason: 'NoEndpoints', message: 'the source has no endpoints' }] : [];
}
