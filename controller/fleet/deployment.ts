// The Deployment of a fleet: its proxies run as user `nonroot`, with a read-only file system.
//
// Proxies bind the ports of the listeners directly, also below 1024: `ip_unprivileged_port_start` is a safe sysctl of the pod's network,
// allowed by the restricted Pod Security Standard. Mapped ports would need two numbers each in route matches on ports, in redirects and
// in logs.
import { parseDuration } from '#lib/duration.ts';
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import type { DesiredFleet, FleetPort } from '../compile/result.ts';
import { fromField, labelsOf, metadataFor, selectorOf, type Fields, type FleetSettings, type Manifest } from './manifest.ts';
import { accessLogFlags, accessLogMounts, accessLogVolumes } from './access-log.ts';
import { credentialsName } from './credentials.ts';
import { otlpEnvironment, otlpFlags, otlpMounts, otlpVolumes } from './otlp.ts';
import { tracingFlags } from './tracing.ts';
import { redisFlags, redisMounts, redisVolumes } from './redis.ts';

const PROBE_PORT = 15_021;
const CREDENTIALS = '/etc/weir/credentials';
const STATE = '/var/lib/weir';
const DEFAULT_DRAIN = { delay: '5s', timeout: '60s' };
/** Time between the end of the drain and SIGKILL. */
const SLACK_SECONDS = 5;
const DEFAULT_REPLICAS = 2;
const DEFAULT_REQUESTS = { cpu: '250m', memory: '256Mi' };

/** Without `replicas` if a HorizontalPodAutoscaler controls their number. */
export function deployment(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): Manifest {
  const { replicas = DEFAULT_REPLICAS, autoscaling, pod = {} } = parameters;
  const labels = { ...pod.labels, ...labelsOf(fleet, settings) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataFor(fleet, settings),
    spec: {
      ...(autoscaling === undefined ? { replicas } : {}),
      selector: { matchLabels: selectorOf(fleet) },
      // A proxy stops only after another has replaced it.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      template: {
        metadata: { labels, annotations: { ...fleet.annotations, ...pod.annotations } },
        spec: podSpec(fleet, parameters, settings),
      },
    },
  };
}

function podSpec(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): Fields {
  const { name, namespace: _namespace } = metadataFor(fleet, settings);
  const { user } = settings;
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: graceSeconds(parameters),
    securityContext: {
      runAsNonRoot: true,
      ...(user === null ? {} : { runAsUser: user, runAsGroup: user, fsGroup: user }),
      seccompProfile: { type: 'RuntimeDefault' },
      sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
    },
    containers: [container(fleet, parameters, settings)],
    volumes: [
      { name: 'credentials', secret: { secretName: credentialsName(fleet), defaultMode: 0o440 } },
      { name: 'state', emptyDir: {} },
      ...redisVolumes(parameters.redis),
      ...otlpVolumes(parameters),
      ...accessLogVolumes(parameters.accessLog),
    ],
    ...placement(fleet, parameters),
  };
}

function container(fleet: DesiredFleet, parameters: GatewayParametersSpec, settings: FleetSettings): Fields {
  const { resources = {} } = parameters;
  return {
    name: 'proxy',
    image: parameters.image ?? settings.image,
    args: ['proxy', ...flags(parameters, settings)],
    env: [
      fromField('WEIR_NODE_ID', 'metadata.name'),
      fromField('WEIR_ZONE', "metadata.labels['topology.kubernetes.io/zone']"),
      ...otlpEnvironment(parameters, fleet.gateway),
    ],
    ports: [...fleet.ports.map(containerPort), { name: 'probes', containerPort: PROBE_PORT, protocol: 'TCP' }],
    resources: {
      requests: { ...DEFAULT_REQUESTS, ...resources.requests },
      ...(resources.limits === undefined ? {} : { limits: resources.limits }),
    },
    // A start takes as long as reading the configuration; only readiness depends on that, not liveness.
    startupProbe: { httpGet: { path: '/livez', port: 'probes' }, periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { httpGet: { path: '/readyz', port: 'probes' }, periodSeconds: 2, failureThreshold: 2 },
    livenessProbe: { httpGet: { path: '/livez', port: 'probes' }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'credentials', mountPath: CREDENTIALS, readOnly: true },
      { name: 'state', mountPath: STATE },
      ...redisMounts(parameters.redis),
      ...otlpMounts(parameters),
      ...accessLogMounts(parameters.accessLog),
    ],
  };
}

function flags(parameters: GatewayParametersSpec, settings: FleetSettings): string[] {
  const { drain = {}, workers, limits = {}, accessLog, securityLog, redis } = parameters;
  const given: readonly (readonly [string, string])[] = [
    ['controller', settings.controller],
    ['controller-tls-ca', `${CREDENTIALS}/ca.crt`],
    ['controller-tls-cert', `${CREDENTIALS}/tls.crt`],
    ['controller-tls-key', `${CREDENTIALS}/tls.key`],
    ...(settings.controllerTlsName === '' ? [] : [['controller-tls-name', settings.controllerTlsName] as const]),
    ['last-good', `${STATE}/last-good`],
    ['probe-port', String(PROBE_PORT)],
    ['drain-delay', drain.delay ?? DEFAULT_DRAIN.delay],
    ['drain-timeout', drain.timeout ?? DEFAULT_DRAIN.timeout],
    ...(workers === undefined ? [] : [['workers', String(workers)] as const]),
    ...accessLogFlags(accessLog),
    ...(securityLog?.enabled === false ? [['security-log', 'off'] as const] : []),
    ...redisFlags(redis),
    ...otlpFlags(parameters),
    ...tracingFlags(parameters),
    ...Object.entries(limits).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
  return given.map(([name, value]) => `--${name}=${value}`);
}

function containerPort({ protocol, port }: FleetPort): Fields {
  return { name: portName({ protocol, port }), containerPort: port, protocol };
}

/** The name of a port in Service and Deployment. */
export function portName({ protocol, port }: FleetPort): string {
  return `${protocol.toLowerCase()}-${port}`;
}

/** No preStop hook: after SIGTERM a proxy accepts connections for the delay, and reports that it is not ready. */
function graceSeconds({ drain = {} }: GatewayParametersSpec): number {
  return seconds(drain.delay ?? DEFAULT_DRAIN.delay) + seconds(drain.timeout ?? DEFAULT_DRAIN.timeout) + SLACK_SECONDS;
}

function seconds(duration: string): number {
  const parsed = parseDuration(duration);
  return parsed.ok ? Math.ceil(parsed.value / 1_000) : 0;
}

function placement(fleet: DesiredFleet, { pod = {} }: GatewayParametersSpec): Fields {
  const { nodeSelector, tolerations, affinity, priorityClassName } = pod;
  const chosen = Object.entries({ nodeSelector, tolerations, affinity, priorityClassName }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(chosen), topologySpreadConstraints: spread(fleet, pod.topologySpreadConstraints ?? [OVER_NODES]) };
}

const OVER_NODES: Fields = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' };

function spread(fleet: DesiredFleet, constraints: readonly Fields[]): Fields[] {
  return constraints.map((constraint) => ({ labelSelector: { matchLabels: selectorOf(fleet) }, ...constraint }));
}
