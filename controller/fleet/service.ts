// The Service in front of a fleet: its ports are those of the listeners.
import { isIP } from 'node:net';
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { portName } from './deployment.ts';
import { metadataFor, selectorOf, type Fields, type FleetSettings, type Manifest } from './manifest.ts';

export function service(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): Manifest {
  const { type = 'LoadBalancer', annotations = {}, externalTrafficPolicy, loadBalancerClass } = parameters.service ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataFor(fleet, settings, annotations),
    spec: {
      type,
      selector: selectorOf(fleet),
      ports: fleet.ports.map(({ protocol, port }) => ({ name: portName({ protocol, port }), protocol, port, targetPort: port })),
      ...(externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy }),
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
      ...(type === 'LoadBalancer' ? askedAddress(fleet) : {}),
    },
  };
}

/** A load balancer can be asked for one address. What it gives is what the status of the Gateway says. */
function askedAddress({ addresses }: DesiredFleet): Fields {
  const [address, ...others] = addresses.filter((value) => isIP(value) !== 0);
  return address === undefined || others.length > 0 ? {} : { loadBalancerIP: address };
}
