// The HorizontalPodAutoscaler of a fleet. If there is one, it controls the number of proxies.
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { metadataFor, type Fields, type FleetSettings, type Manifest } from './manifest.ts';

const DEFAULT_CPU = 70;
/** The loss of one proxy must not be an outage. */
const DEFAULT_MIN = 2;

/** Null without autoscaling. */
export function autoscaler(fleet: DesiredFleet, { autoscaling }: GatewayParametersSpec, settings: FleetSettings): Manifest | null {
  if (autoscaling === undefined) return null;
  const { max, min = minReplicas(autoscaling), metrics = [], behavior } = autoscaling;
  const cpu = autoscaling.cpuUtilization ?? (metrics.length === 0 ? DEFAULT_CPU : undefined);
  const metadata = metadataFor(fleet, settings);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name },
      minReplicas: min,
      maxReplicas: max,
      metrics: [...(cpu === undefined ? [] : [ofCpu(cpu)]), ...metrics],
      ...(behavior === undefined ? {} : { behavior }),
    },
  };
}

/** The minimum number of proxies. */
export function minReplicas({ min, max }: NonNullable<GatewayParametersSpec['autoscaling']>): number {
  return min ?? Math.min(DEFAULT_MIN, max);
}

function ofCpu(averageUtilization: number): Fields {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}
