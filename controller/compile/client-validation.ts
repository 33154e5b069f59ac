// Client certificate validation of a listener (GEP-91): resolves Gateway.spec.tls.frontend to keys of trust bundles, and collects the
// problems of its references.
import type { ClientValidation } from '#api/ir/ir.ts';
import type { FrontendValidation, Gateway, Listener, ObjectReference } from '#api/k8s/k8s.ts';
import type { CaRefObstacle } from './conditions.ts';
import { isPermitted } from './reference-grant.ts';
import { TRUST_BUNDLE_KINDS, trustBundleUnit } from './trust-bundle.ts';
import type { View } from './view.ts';

/** The validation of a listener. If null, clients are not validated, or (`refused`) no usable authority is left. */
export interface ResolvedValidation {
  readonly validation: ClientValidation | null;
  readonly refused: boolean;
  readonly obstacles: readonly CaRefObstacle[];
}

const NONE: ResolvedValidation = { validation: null, refused: false, obstacles: [] };

/** Resolves the validation for the port of the listener. The API defines it for HTTPS listeners only. */
export function resolveClientValidation(view: View, gateway: Gateway, listener: Listener): ResolvedValidation {
  const configured = listener.protocol === 'HTTPS' ? validationOf(gateway, listener.port) : undefined;
  if (configured === undefined) return NONE;
  const authorities: string[] = [];
  const obstacles: CaRefObstacle[] = [];
  for (const ref of configured.caCertificateRefs) {
    const resolved = resolve(view, ref, gateway.metadata.namespace ?? '');
    if (typeof resolved !== 'string') obstacles.push(resolved);
    else if (!authorities.includes(resolved)) authorities.push(resolved);
  }
  const refused = authorities.length === 0;
  return { validation: refused ? null : { mode: configured.mode, authorities }, refused, obstacles };
}

/** A sentence about the ports that request a client certificate but accept clients without a valid one; null if there are none. */
export function insecureValidation({ spec }: Gateway): string | null {
  const frontend = spec.tls?.frontend;
  const isInsecure = (validation: FrontendValidation | undefined) => validation?.mode === 'AllowInsecureFallback';
  const where = [
    ...(isInsecure(frontend?.default.validation) ? ['by default'] : []),
    ...(frontend?.perPort ?? []).filter(({ tls }) => isInsecure(tls.validation)).map(({ port }) => `at port ${port}`),
  ];
  return where.length === 0 ? null : `clients without a valid certificate are accepted ${where.join(', ')}`;
}

/** The entry for the port replaces the whole default, even if it validates nothing. */
function validationOf({ spec }: Gateway, port: number): FrontendValidation | undefined {
  const frontend = spec.tls?.frontend;
  const own = frontend?.perPort.find((entry) => entry.port === port);
  return own === undefined ? frontend?.default.validation : own.tls.validation;
}

function resolve(view: View, ref: ObjectReference, namespace: string): string | CaRefObstacle {
  const referent = { group: ref.group, kind: ref.kind, namespace: ref.namespace ?? namespace, name: ref.name };
  const key = `${ref.kind}/${referent.namespace}/${ref.name}`;
  if (ref.group !== '' || !TRUST_BUNDLE_KINDS.has(ref.kind)) {
    return { reason: 'InvalidCACertificateKind', message: `${key} of group "${ref.group}" is neither a ConfigMap nor a Secret` };
  }
  if (!isPermitted(view, { kind: 'Gateway', namespace }, referent)) {
    const message = `no ReferenceGrant permits Gateways of namespace ${namespace} to refer to ${key}; create one in namespace ${referent.namespace}`;
    return { reason: 'RefNotPermitted', message };
  }
  const problem = view.read(trustBundleUnit, key);
  return problem === null ? key : { reason: 'InvalidCACertificateRef', message: problem };
}
