// The Service of a fleet: its ports are those of the listeners.
import { isIP } from 'node:net';
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { ASKED_ADDRESSES, POOL_CLASS } from '../compile/address-request.ts';
import { portName } from './deployment.ts';
import { metadataFor, selectorOf, type Fields, type FleetSettings, type Labels, type Manifest } from './manifest.ts';

export function service(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): Manifest {
  const { type = 'LoadBalancer', annotations = {}, externalTrafficPolicy } = parameters.service ?? {};
  const balancer = type === 'LoadBalancer' ? balancerOf(fleet, parameters, settings) : { annotations: {}, spec: {} };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataFor(fleet, settings, { ...annotations, ...balancer.annotations }),
    spec: {
      type,
      selector: selectorOf(fleet),
      ports: fleet.ports.map(({ protocol, port }) => ({ name: portName({ protocol, port }), protocol, port, targetPort: port })),
      ...(externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy }),
      ...balancer.spec,
    },
  };
}

/** The load balancer class and the requested addresses. */
interface Balancer {
  readonly annotations: Labels;
  readonly spec: Fields;
}

/** Without another class, the controller's own pool is the load balancer, if there is one. */
function balancerOf(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): Balancer {
  const { loadBalancerClass } = parameters.service ?? {};
  if (loadBalancerClass !== undefined) return { annotations: {}, spec: { loadBalancerClass, ...askedAddress(fleet) } };
  if (settings.poolFamilies.length === 0) return { annotations: {}, spec: askedAddress(fleet) };
  return { annotations: askedOfPool(fleet), spec: ofPool(settings) };
}

/** Requests addresses of both families if the cluster has both. */
function ofPool({ poolFamilies }: FleetSettings): Fields {
  return { loadBalancerClass: POOL_CLASS, ...(poolFamilies.length > 1 ? { ipFamilyPolicy: 'PreferDualStack' } : {}) };
}

function askedOfPool({ addresses }: DesiredFleet): Labels {
  return addresses.length === 0 ? {} : { [ASKED_ADDRESSES]: addresses.map((address) => (address === '' ? 'any' : address)).join(',') };
}

/** A load balancer accepts a request for one address only. The status of the Gateway reports the result. */
function askedAddress({ addresses }: DesiredFleet): Fields {
  const [address, ...others] = addresses.filter((value) => isIP(value) !== 0);
  return address === undefined || others.length > 0 ? {} : { loadBalancerIP: address };
}
