// Whom clients of a listener must be certified by (GEP-91): from Gateway.spec.tls.frontend to keys of trust bundles, and what is
// wrong with the others.
import type { ClientValidation } from '#api/ir/ir.ts';
import type { FrontendValidation, Gateway, Listener, ObjectReference } from '#api/k8s/k8s.ts';
import type { CaRefObstacle } from './conditions.ts';
import { isPermitted } from './reference-grant.ts';
import { TRUST_BUNDLE_KINDS, trustBundleUnit } from './trust-bundle.ts';
import type { View } from './view.ts';

/** What a listener asks of clients. Null validation: nothing, or (`refused`) what cannot be checked, since no authority is left. */
export interface ResolvedValidation {
  readonly validation: ClientValidation | null;
  readonly refused: boolean;
  readonly obstacles: readonly CaRefObstacle[];
}

const NONE: ResolvedValidation = { validation: null, refused: false, obstacles: [] };

/** Resolves what the Gateway says for the port of the listener. The API has it for listeners of HTTPS and no others. */
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

/** Whether any client may come in without a valid certificate although one is asked for, and at which ports. */
export function insecureValidation({ spec }: Gateway): string | null {
  const frontend = spec.tls?.frontend;
  const isInsecure = (validation: FrontendValidation | undefined) => validation?.mode === 'AllowInsecureFallback';
  const where = [
    ...(isInsecure(frontend?.default.validation) ? ['by default'] : []),
    ...(frontend?.perPort ?? []).filter(({ tls }) => isInsecure(tls.validation)).map(({ port }) => `at port ${port}`),
  ];
  return where.length === 0 ? null : `clients without a valid certificate are let in ${where.join(', ')}`;
}

/** An entry for the port replaces the default as a whole, also when it validates nothing. */
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
    return { reason: 'RefNotPermitted', message: `no ReferenceGrant permits Gateways of namespace ${namespace} to refer to ${key}` };
  }
  const problem = view.read(trustBundleUnit, key);
  return problem === null ? key : { reason: 'InvalidCACertificateRef', message: problem };
}
