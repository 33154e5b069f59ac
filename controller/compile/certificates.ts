// The certificates of a listener: resolves its references to Secrets and collects their problems.
import type { Gateway, ListenerTls, SecretReference } from '#api/k8s/k8s.ts';
import type { ClientCertificateObstacle, ListenerRefObstacle } from './conditions.ts';
import { isPermitted, type Referrer } from './reference-grant.ts';
import { secretUnit } from './tls-secret.ts';
import type { View } from './view.ts';

/** `keys`: of the Secret resources for proxies, in the user's order. */
export interface Certificates {
  readonly keys: readonly string[];
  /** Whether the controller knows a usable pair of one of them. */
  readonly usable: boolean;
  readonly obstacles: readonly ListenerRefObstacle[];
  /** Problems that do not stop the listener from being served. */
  readonly warnings: readonly string[];
}

/** Resolves the certificateRefs of a listener. `from` is its Gateway or ListenerSet. */
export function resolveCertificates(view: View, tls: ListenerTls | undefined, from: Referrer): Certificates {
  const resolved = (tls?.certificateRefs ?? []).map((ref) => resolve(view, ref, from));
  return {
    keys: [...new Set(resolved.flatMap(({ key }) => key ?? []))],
    usable: resolved.some(({ usable }) => usable),
    obstacles: resolved.flatMap(({ obstacle }) => obstacle ?? []),
    warnings: resolved.flatMap(({ warning }) => warning ?? []),
  };
}

/** The client certificate for connections to backends. */
export interface ClientCertificate {
  /** Key of the Secret; null without a certificate. */
  readonly key: string | null;
  readonly obstacle: ClientCertificateObstacle | null;
}

/** Resolves Gateway.spec.tls.backend. */
export function resolveClientCertificate(view: View, gateway: Gateway): ClientCertificate {
  const ref = gateway.spec.tls?.backend?.clientCertificateRef;
  if (ref === undefined) return { key: null, obstacle: null };
  const { key, obstacle } = resolve(view, ref, { kind: 'Gateway', namespace: gateway.metadata.namespace ?? '' });
  if (obstacle === null) return { key, obstacle };
  const reason = obstacle.reason === 'RefNotPermitted' ? obstacle.reason : 'InvalidClientCertificateRef';
  return { key, obstacle: { reason, message: `spec.tls.backend.clientCertificateRef: ${obstacle.message}` } };
}

/** The outcome of a reference. */
interface Resolved {
  /** Key of the Secret resource; null if proxies must not use it. */
  readonly key: string | null;
  /** Whether the controller knows a usable pair. */
  readonly usable: boolean;
  readonly obstacle: ListenerRefObstacle | null;
  readonly warning: string | null;
}

function resolve(view: View, ref: SecretReference, from: Referrer): Resolved {
  const key = `${ref.namespace ?? from.namespace}/${ref.name}`;
  const unresolved = whyUnresolved(view, ref, key, from);
  if (unresolved !== null) return { key: null, usable: false, obstacle: unresolved, warning: null };
  const { pair, problem } = view.read(secretUnit, key);
  const own = pair === 'own';
  return {
    key: pair === 'none' ? null : key,
    usable: own || pair === 'former',
    obstacle: problem === null || own ? null : { reason: 'InvalidCertificateRef', message: problem },
    warning: own ? problem : null,
  };
}

function whyUnresolved(view: View, ref: SecretReference, key: string, from: Referrer): ListenerRefObstacle | null {
  if (ref.group !== '' || ref.kind !== 'Secret') {
    return { reason: 'InvalidCertificateRef', message: `${ref.kind}/${key} of group "${ref.group}" is not a Secret` };
  }
  const referent = { group: '', kind: 'Secret', namespace: ref.namespace ?? from.namespace, name: ref.name };
  if (!isPermitted(view, from, referent)) {
    const message = `no ReferenceGrant permits ${from.kind}s of namespace ${from.namespace} to refer to Secret/${key}; create one in namespace ${referent.namespace}`;
    return { reason: 'RefNotPermitted', message };
  }
  return null;
}
