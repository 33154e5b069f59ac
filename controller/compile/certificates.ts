// The certificates of a listener: which Secrets its references lead to, and what is wrong with the others.
import type { Gateway, ListenerTls, SecretReference } from '#api/k8s/k8s.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { ClientCertificateObstacle, ListenerRefObstacle } from './conditions.ts';
import { isPermitted, type Referrer } from './reference-grant.ts';
import { secretUnit } from './tls-secret.ts';
import type { View } from './view.ts';

/** `keys` are those of Secret resources, in the user's order. */
export interface Certificates {
  readonly keys: readonly string[];
  readonly obstacles: readonly ListenerRefObstacle[];
}

/** Resolves the certificateRefs of a listener of that Gateway or ListenerSet. */
export function resolveCertificates(view: View, tls: ListenerTls | undefined, from: Referrer): Certificates {
  const keys: string[] = [];
  const obstacles: ListenerRefObstacle[] = [];
  for (const ref of tls?.certificateRefs ?? []) {
    const key = `${ref.namespace ?? from.namespace}/${ref.name}`;
    const obstacle = obstacleOf(view, ref, key, from);
    if (obstacle !== null) obstacles.push(obstacle);
    else if (!keys.includes(key)) keys.push(key);
  }
  return { keys, obstacles };
}

/** The certificate that backends are shown (Gateway.spec.tls.backend): its key, or what is wrong with the reference. */
export function resolveClientCertificate(view: View, gateway: Gateway): Result<string | null, ClientCertificateObstacle> {
  const ref = gateway.spec.tls?.backend?.clientCertificateRef;
  if (ref === undefined) return ok(null);
  const namespace = gateway.metadata.namespace ?? '';
  const key = `${ref.namespace ?? namespace}/${ref.name}`;
  const obstacle = obstacleOf(view, ref, key, { kind: 'Gateway', namespace });
  if (obstacle === null) return ok(key);
  const reason = obstacle.reason === 'RefNotPermitted' ? obstacle.reason : 'InvalidClientCertificateRef';
  return err({ reason, message: `spec.tls.backend.clientCertificateRef: ${obstacle.message}` });
}

function obstacleOf(view: View, ref: SecretReference, key: string, from: Referrer): ListenerRefObstacle | null {
  if (ref.group !== '' || ref.kind !== 'Secret') {
    return { reason: 'InvalidCertificateRef', message: `${ref.kind}/${key} of group "${ref.group}" is not a Secret` };
  }
  const referent = { group: '', kind: 'Secret', namespace: ref.namespace ?? from.namespace, name: ref.name };
  if (!isPermitted(view, from, referent)) {
    const message = `no ReferenceGrant permits ${from.kind}s of namespace ${from.namespace} to refer to Secret/${key}`;
    return { reason: 'RefNotPermitted', message };
  }
  const problem = view.read(secretUnit, key);
  return problem === null ? null : { reason: 'InvalidCertificateRef', message: problem };
}
