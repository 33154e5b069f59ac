// The access log of dedicated proxies: flags, and the CA of a syslog server as a volume.
//
// The volume is optional: a proxy serves without it, and tries the syslog server again until it is there.
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import { fromObject, type Fields } from './manifest.ts';

type AccessLogParameters = GatewayParametersSpec['accessLog'];

const FOLDER = '/etc/weir/syslog';

/** The flags of a proxy. */
export function accessLogFlags(accessLog: AccessLogParameters = {}): readonly (readonly [string, string])[] {
  const { enabled = true, format, fields, filter, otlp = false, syslog, recentRequests } = accessLog;
  const given: readonly (readonly [string, string | undefined])[] = [
    ['access-log', enabled ? undefined : 'off'],
    ['access-log-format', format],
    ['access-log-fields', fields?.join(',')],
    ['access-log-filter', filter],
    ['access-log-otlp', otlp ? 'on' : undefined],
    ['access-log-syslog', syslog?.url],
    ['access-log-syslog-ca-file', sourcesOf(accessLog).length === 0 ? undefined : `${FOLDER}/ca.crt`],
    ['recent-requests', recentRequests?.toLowerCase()],
  ];
  // Kubernetes would replace $(NAME) by a variable of the container; $$ is a dollar sign.
  return given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value.replaceAll('$(', () => '$$(')] as const]));
}

/** The volume with the file of these flags; empty if there is none. */
export function accessLogVolumes(accessLog: AccessLogParameters): readonly Fields[] {
  const sources = sourcesOf(accessLog);
  return sources.length === 0 ? [] : [{ name: 'syslog', projected: { defaultMode: 0o440, sources } }];
}

/** The mount of that volume. */
export function accessLogMounts(accessLog: AccessLogParameters): readonly Fields[] {
  return accessLogVolumes(accessLog).map(() => ({ name: 'syslog', mountPath: FOLDER, readOnly: true }));
}

function sourcesOf({ syslog }: Exclude<AccessLogParameters, undefined> = {}): readonly Fields[] {
  if (syslog === undefined) return [];
  const { caConfigMapRef, caSecretRef } = syslog;
  return [...fromObject('configMap', caConfigMapRef, 'ca.crt'), ...fromObject('secret', caSecretRef, 'ca.crt')];
}
