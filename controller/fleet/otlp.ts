// The OpenTelemetry collector of dedicated proxies: flags without secrets, the Secrets and the ConfigMap as one volume, and the attributes
// of the resource as the variable of OpenTelemetry.
//
// Every part of the volume is optional: a proxy serves without a Secret that is missing, and sends nothing until it is there.
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import type { OtlpParameters } from '#api/k8s/gateway-parameters-telemetry.ts';
import { fromField, fromObject, type Fields } from './manifest.ts';

const FOLDER = '/etc/weir/otlp';
const DEFAULT_INTERVAL = '60s';
const FILES = [
  ['otlp-headers-file', 'headers'],
  ['otlp-ca-file', 'ca.crt'],
  ['otlp-cert-file', 'tls.crt'],
  ['otlp-key-file', 'tls.key'],
] as const;

/** The flags of a proxy. */
export function otlpFlags({ telemetry }: GatewayParametersSpec): readonly (readonly [string, string])[] {
  const otlp = telemetry?.otlp;
  if (otlp === undefined) return [];
  const { endpoint, protocol, compression, timeout, metrics = false, metricsInterval = DEFAULT_INTERVAL } = otlp;
  const values: readonly (readonly [string, string | undefined])[] = [
    ['otlp-endpoint', endpoint],
    ['otlp-protocol', protocol],
    ...FILES.map(([flag, file]) => [flag, filesOf(otlp).has(file) ? `${FOLDER}/${file}` : undefined] as const),
    ['otlp-compression', compression],
    ['otlp-timeout', timeout],
    ['otlp-metrics-interval', metrics ? metricsInterval : undefined],
  ];
  // Kubernetes would replace $(NAME) by a variable of the container; $$ is a dollar sign.
  return values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value.replaceAll('$(', () => '$$(')] as const]));
}

/** The volume with all files of these flags; empty if there are none. */
export function otlpVolumes({ telemetry }: GatewayParametersSpec): readonly Fields[] {
  const sources = telemetry?.otlp === undefined ? [] : [...filesOf(telemetry.otlp).values()];
  return sources.length === 0 ? [] : [{ name: 'otlp', projected: { defaultMode: 0o440, sources } }];
}

/** The mount of that volume. */
export function otlpMounts(parameters: GatewayParametersSpec): readonly Fields[] {
  return otlpVolumes(parameters).map(() => ({ name: 'otlp', mountPath: FOLDER, readOnly: true }));
}

/** The variables with the attributes of the resource. `fleet`: `NAMESPACE/NAME` of the Gateway. WEIR_NODE_ID must come before them. */
export function otlpEnvironment({ telemetry }: GatewayParametersSpec, fleet: string): readonly Fields[] {
  if (telemetry?.otlp === undefined) return [];
  const own = ['k8s.pod.name=$(WEIR_NODE_ID)', 'k8s.namespace.name=$(K8S_NAMESPACE)', 'k8s.node.name=$(K8S_NODE)'];
  const given = Object.entries({ 'weir.fleet': fleet, ...telemetry.otlp.resourceAttributes }).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  );
  return [
    fromField('K8S_NAMESPACE', 'metadata.namespace'),
    fromField('K8S_NODE', 'spec.nodeName'),
    { name: 'OTEL_RESOURCE_ATTRIBUTES', value: [...own, ...given].join(',') },
  ];
}

/** The files, and the objects that they are from. */
function filesOf(otlp: OtlpParameters): ReadonlyMap<string, Fields> {
  const { headersSecretRef, caConfigMapRef, caSecretRef, certificateSecretName: pair } = otlp;
  const keyOf = (key: string) => (pair === undefined ? undefined : { name: pair, key });
  const files = [
    ['headers', fromObject('secret', headersSecretRef, 'headers')],
    ['ca.crt', [...fromObject('configMap', caConfigMapRef, 'ca.crt'), ...fromObject('secret', caSecretRef, 'ca.crt')]],
    ['tls.crt', fromObject('secret', keyOf('tls.crt'), 'tls.crt')],
    ['tls.key', fromObject('secret', keyOf('tls.key'), 'tls.key')],
  ] as const;
  return new Map(files.flatMap(([file, sources]) => sources.map((source) => [file, source] as const)));
}
