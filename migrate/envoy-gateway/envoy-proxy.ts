// EnvoyProxy > GatewayParameters: how the proxies of a Gateway are run.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { compact, WEIR_V1 } from '../manifest.ts';
import type { Plan } from '../plan.ts';

const REASONS = {
  'spec.telemetry': { reason: 'metrics and the access log are flags of the proxy', advice: 'see docs/guides/observability.md' },
  'spec.logging': { reason: 'the log level is a flag of the proxy' },
  'spec.bootstrap': { reason: 'Weir takes no configuration of Envoy' },
  'spec.filterOrder': { reason: 'the order of filters is fixed' },
  'spec.mergeGateways': { reason: 'Gateways without parameters of their own share proxies', advice: 'leave fleet at Shared' },
};

/** Writes the GatewayParameters. */
export function convertEnvoyProxy(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const kubernetes = spec.group('provider').group('kubernetes');
  spec.group('provider').text('type');
  const deployment = kubernetes.group('envoyDeployment');
  const container = deployment.group('container');
  const hpa = kubernetes.group('envoyHpa');
  const hasHpa = kubernetes.has('envoyHpa');
  const replicas = deployment.number('replicas');
  const shutdown = spec.group('shutdown');
  if (container.has('image')) {
    plan.note('not needed', object, { field: container.at('image'), reason: 'it is an image of Envoy' });
    container.text('image');
  }
  const parameters = compact({
    fleet: 'PerGateway',
    replicas: hasHpa ? undefined : replicas,
    autoscaling: hasHpa ? autoscalingOf(hpa) : undefined,
    resources: container.whole('resources'),
    workers: spec.number('concurrency'),
    service: serviceOf(kubernetes.group('envoyService')),
    pod: podOf(deployment.group('pod')),
    podDisruptionBudget: budgetOf(kubernetes.group('envoyPDB')),
    drain: compact({ delay: shutdown.text('minDrainDuration'), timeout: shutdown.text('drainTimeout') }),
  });
  plan.unread(object, spec, REASONS);
  const metadata = { name: plan.nameFor('GatewayParameters', object.namespace, object.name), namespace: object.namespace };
  plan.write(object, { apiVersion: WEIR_V1, kind: 'GatewayParameters', metadata, spec: parameters });
}

function autoscalingOf(hpa: Fields): Record<string, unknown> {
  return compact({
    min: hpa.number('minReplicas'),
    max: hpa.number('maxReplicas') ?? 10,
    metrics: hpa.whole('metrics'),
    behavior: hpa.whole('behavior'),
  });
}

function serviceOf(service: Fields): Record<string, unknown> {
  return compact({
    type: service.text('type'),
    annotations: service.textMap('annotations'),
    externalTrafficPolicy: service.text('externalTrafficPolicy'),
    loadBalancerClass: service.text('loadBalancerClass'),
  });
}

function podOf(pod: Fields): Record<string, unknown> {
  return compact({
    labels: pod.textMap('labels'),
    annotations: pod.textMap('annotations'),
    nodeSelector: pod.textMap('nodeSelector'),
    tolerations: pod.whole('tolerations'),
    affinity: pod.whole('affinity'),
    topologySpreadConstraints: pod.whole('topologySpreadConstraints'),
    priorityClassName: pod.text('priorityClassName'),
  });
}

function budgetOf(budget: Fields): Record<string, unknown> {
  return compact({ minAvailable: budget.whole('minAvailable'), maxUnavailable: budget.whole('maxUnavailable') });
}
