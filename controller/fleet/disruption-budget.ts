// The PodDisruptionBudget of a fleet: the number of proxies that node drains may evict at a time.
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { metadataFor, selectorOf, type FleetSettings, type Manifest } from './manifest.ts';

export function disruptionBudget(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): Manifest {
  const { minAvailable, maxUnavailable = 1 } = parameters.podDisruptionBudget ?? {};
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataFor(fleet, settings),
    spec: { selector: { matchLabels: selectorOf(fleet) }, ...(minAvailable === undefined ? { maxUnavailable } : { minAvailable }) },
  };
}
