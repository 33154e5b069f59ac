// References to other namespaces: they need a ReferenceGrant there.
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import type { ReferenceGrant } from '#api/k8s/k8s.ts';
import type { View } from './view.ts';

/** The referring object. */
export interface Referrer {
  /** Absent: that of the Gateway API. */
  readonly group?: string;
  readonly kind: string;
  readonly namespace: string;
}

/** The referenced object. */
export interface Referent {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Whether both are in one namespace, or a grant in the referent's namespace allows the reference. */
export function isPermitted(view: View, from: Referrer, to: Referent): boolean {
  if (from.namespace === to.namespace) return true;
  return view.list('grantsByNamespace', to.namespace).some((grant) => grants(grant, from, to));
}

function grants(grant: ReferenceGrant, from: Referrer, to: Referent): boolean {
  return (
    grant.spec.from.some((f) => f.group === (from.group ?? GATEWAY_GROUP) && f.kind === from.kind && f.namespace === from.namespace) &&
    grant.spec.to.some((t) => t.group === to.group && t.kind === to.kind && (t.name === undefined || t.name === to.name))
  );
}
