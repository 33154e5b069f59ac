// All objects of a Gateway with dedicated proxies, except their credentials. Pure.
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { autoscaler } from './autoscaler.ts';
import { deployment } from './deployment.ts';
import { disruptionBudget } from './disruption-budget.ts';
import type { FleetSettings, Manifest } from './manifest.ts';
import { service } from './service.ts';
import { serviceAccount } from './service-account.ts';

/** In the order in which they are applied. */
export function manifests(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): readonly Manifest[] {
  const scaled = autoscaler(fleet, parameters, settings);
  return [
    serviceAccount(fleet, settings),
    service(fleet, parameters, settings),
    deployment(fleet, parameters, settings),
    ...(scaled === null ? [] : [scaled]),
    disruptionBudget(fleet, parameters, settings),
  ];
}
