// BackendTLSPolicies: which policy applies to a cluster, its settings for proxies, and its problems. A policy with a problem leaves no
// trusted authorities, so that connections fail: the API requires an error for clients instead of a plain-text connection.
import type { SubjectAltName, TlsSettings, UpstreamTls } from '#api/ir/ir.ts';
import type { BackendTlsPolicy, BackendTlsTarget } from '#api/k8s/k8s.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { byAge } from './age.ts';
import type { BackendTlsObstacle, BackendTlsRefObstacle } from './conditions.ts';
import { readTlsOptions } from './tls-options.ts';
import { TRUST_BUNDLE_KINDS, trustBundleUnit } from './trust-bundle.ts';
import type { View } from './view.ts';

/** A compiled policy: the settings for its clusters, and its problem. */
export interface CompiledBackendTls {
  readonly tls: UpstreamTls;
  readonly obstacle: BackendTlsObstacle | null;
  readonly refObstacle: BackendTlsRefObstacle | null;
}

/** Compiles a policy, independent of its targets. */
export function compileBackendTls(view: View, { metadata, spec }: BackendTlsPolicy): CompiledBackendTls {
  const { hostname, subjectAltNames } = spec.validation;
  const authorities = resolveAuthorities(view, spec.validation, metadata.namespace ?? '');
  const settings = readSettings(spec.options);
  const names = subjectAltNames.map(({ type, hostname: host, uri }): SubjectAltName => ({
    type,
    value: (type === 'URI' ? uri : host) ?? '',
  }));
  const usable = settings.ok && names.every(({ value }) => value !== '');
  return {
    tls: {
      serverName: hostname,
      subjectAltNames: usable && names.length > 0 ? names : [{ type: 'Hostname', value: hostname }],
      authorities: usable ? authorities.keys : [],
      ...(settings.ok && Object.keys(settings.value).length > 0 ? { settings: settings.value } : {}),
    },
    obstacle: usable
      ? authorities.obstacle
      : { reason: 'Invalid', message: settings.ok ? 'subjectAltNames: a name is empty' : settings.error },
    refObstacle: authorities.refObstacle,
  };
}

interface Authorities {
  readonly keys: UpstreamTls['authorities'];
  readonly obstacle: BackendTlsObstacle | null;
  readonly refObstacle: BackendTlsRefObstacle | null;
}

function resolveAuthorities(view: View, validation: BackendTlsPolicy['spec']['validation'], namespace: string): Authorities {
  const { caCertificateRefs, wellKnownCACertificates } = validation;
  if (caCertificateRefs.length === 0 && wellKnownCACertificates === 'System') return { keys: 'System', obstacle: null, refObstacle: null };
  const resolved = caCertificateRefs.map(({ group, kind, name }): Result<string, BackendTlsRefObstacle> => {
    const key = `${kind}/${namespace}/${name}`;
    if (group !== '' || !TRUST_BUNDLE_KINDS.has(kind)) {
      return err({ reason: 'InvalidKind', message: `${key} of group "${group}" is neither a ConfigMap nor a Secret` });
    }
    const problem = view.read(trustBundleUnit, key);
    return problem === null ? ok(key) : err({ reason: 'InvalidCACertificateRef', message: problem });
  });
  const keys = [...new Set(resolved.flatMap((each) => (each.ok ? [each.value] : [])))];
  const refObstacle = resolved.flatMap((each) => (each.ok ? [] : [each.error]))[0] ?? null;
  const message = refObstacle?.message ?? 'caCertificateRefs is empty';
  return { keys, obstacle: keys.length === 0 ? { reason: 'NoValidCACertificate', message } : null, refObstacle };
}

/** `alpn` follows from the protocol of the cluster, and OCSP responders are only needed for own certificates. */
function readSettings(options: Readonly<Record<string, string>>): Result<TlsSettings> {
  const settings = readTlsOptions(options);
  if (!settings.ok) return err(`options: ${settings.error}`);
  const { alpn, ocspStapling } = settings.value;
  return alpn === undefined && ocspStapling === undefined ? settings : err('options: alpn and ocsp-stapling apply to listeners only');
}

/** Key of an object in the index of policies. */
export function targetKey({ group, kind, name }: BackendTlsTarget, namespace: string): string {
  return `${group}/${kind}/${namespace}/${name}`;
}

/**
 * The policy that applies to a target, or to a section of it ('' for the whole target): the oldest. A policy for a section takes
 * precedence over one for the whole target; both are in force, each for its part.
 */
export function governing(view: View, target: string, section: string): BackendTlsPolicy | null {
  const policies = view.list('backendTlsPoliciesByTarget', target);
  if (policies.length === 0) return null;
  const own = policies.filter(({ metadata, spec }) =>
    spec.targetRefs.some((ref) => targetKey(ref, metadata.namespace ?? '') === target && (ref.sectionName ?? '') === section),
  );
  return byAge(own)[0] ?? null;
}

/** The TLS settings of a cluster; undefined without a policy. `portName`: of a Service. */
export function tlsOf(view: View, target: string, portName: string): UpstreamTls | undefined {
  const policy = (portName === '' ? null : governing(view, target, portName)) ?? governing(view, target, '');
  return policy === null ? undefined : compileBackendTls(view, policy).tls;
}
