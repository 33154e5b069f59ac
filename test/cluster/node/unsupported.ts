// Fields of Pods that these nodes do not support. Such a Pod fails and names the field; no field is ignored silently.
import type { ContainerSpec, Pod, Probe, Volume } from './objects.ts';

const VOLUMES = new Set(['name', 'configMap', 'secret', 'downwardAPI', 'projected', 'emptyDir']);
const POD_FIELDS = [
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'shareProcessNamespace',
  'dnsConfig',
  'hostAliases',
  'activeDeadlineSeconds',
] as const;

/** Sysctls that a kubelet always allows, limited to those of a network namespace. */
const SAFE_SYSCTLS = new Set(
  [
    'ip_local_port_range',
    'ip_local_reserved_ports',
    'ip_unprivileged_port_start',
    'ping_group_range',
    'tcp_fin_timeout',
    'tcp_keepalive_intvl',
    'tcp_keepalive_probes',
    'tcp_keepalive_time',
    'tcp_syncookies',
  ].map((name) => `net.ipv4.${name}`),
);

/** The fields that are not supported, empty when all are. */
export function unsupportedFields({ spec }: Pod): string[] {
  const pod = POD_FIELDS.filter((field) => spec[field] !== undefined && spec[field] !== false);
  const sysctls = (spec.securityContext?.sysctls ?? []).filter(({ name }) => !SAFE_SYSCTLS.has(name)).map(({ name }) => `sysctl ${name}`);
  const dns = spec.dnsPolicy === undefined || spec.dnsPolicy === 'ClusterFirst' ? [] : [`dnsPolicy ${spec.dnsPolicy}`];
  const volumes = (spec.volumes ?? []).flatMap(unsupportedVolume);
  const containers = [...(spec.initContainers ?? []), ...spec.containers].flatMap(unsupportedInContainer);
  return [...pod, ...sysctls, ...dns, ...volumes, ...containers];
}

function unsupportedVolume(volume: Volume): string[] {
  return Object.keys(volume)
    .filter((key) => !VOLUMES.has(key))
    .map((key) => `volume ${volume.name}: ${key}`);
}

function unsupportedInContainer(container: ContainerSpec): string[] {
  const { name, livenessProbe, readinessProbe, startupProbe, volumeMounts = [], restartPolicy, volumeDevices } = container;
  const probes: readonly (Probe | undefined)[] = [livenessProbe, readinessProbe, startupProbe];
  const found = [
    probes.some((probe) => probe?.grpc !== undefined) ? 'grpc probes' : null,
    volumeMounts.some(({ subPathExpr }) => subPathExpr !== undefined) ? 'subPathExpr' : null,
    volumeDevices === undefined ? null : 'volumeDevices',
    restartPolicy === undefined ? null : 'restartPolicy of a container',
  ];
  return found.filter((what) => what !== null).map((what) => `container ${name}: ${what}`);
}
