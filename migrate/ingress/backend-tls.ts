// backend-protocol HTTPS and GRPCS: a BackendTLSPolicy, where the annotations say what is trusted.
import type { InputObject } from '../input.ts';
import { GATEWAY_V1 } from '../manifest.ts';
import type { BackendRef } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { annotationField } from './annotations.ts';
import type { Annotations } from './annotations.ts';

/** Writes a policy for each Service of an Ingress whose backends speak TLS. */
export function writeBackendTls(object: InputObject, annotations: Annotations, backends: readonly BackendRef[], plan: Plan): void {
  if (!/^(HTTPS|GRPCS)$/i.test(annotations.text('backend-protocol') ?? '')) return;
  const validation = validationOf(object, annotations);
  if (validation === null) {
    const reason = 'Weir speaks TLS only to backends whose certificate it can check';
    const advice = 'write a BackendTLSPolicy for the Service with the host name and the authority of its certificate';
    plan.leftOut(object, { field: annotationField('backend-protocol'), reason, advice });
    return;
  }
  for (const name of new Set(backends.map((backend) => backend.name))) {
    const metadata = { name: plan.nameFor('BackendTLSPolicy', object.namespace, name), namespace: object.namespace };
    const spec = { targetRefs: [{ group: '', kind: 'Service', name }], validation };
    plan.write(object, { apiVersion: GATEWAY_V1, kind: 'BackendTLSPolicy', metadata, spec });
  }
}

/** What the certificate has to be; null where the annotations do not say it, or ask for no check. */
function validationOf(object: InputObject, annotations: Annotations): Record<string, unknown> | null {
  const [namespace, name] = annotations.text('proxy-ssl-secret')?.split('/') ?? [];
  const hostname = annotations.text('proxy-ssl-name');
  annotations.text('proxy-ssl-server-name');
  if (annotations.text('proxy-ssl-verify') !== 'on' || namespace !== object.namespace) return null;
  if (name === undefined || hostname === undefined) return null;
  return { hostname, caCertificateRefs: [{ group: '', kind: 'Secret', name }] };
}
