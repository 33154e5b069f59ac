// References between objects, with the defaults of the API server.
import { Type, type Static } from '#lib/typebox.ts';
import type { ObjectRef } from './object.ts';
import { closed, DnsLabel, DnsName, GATEWAY_GROUP, Group, Kind, Port } from './schema.ts';

/** A parent of a route. Absent namespace: that of the route. */
export const ParentReference = closed({
  group: Type.String({ ...Group, default: GATEWAY_GROUP }),
  kind: Type.String({ ...Kind, default: 'Gateway' }),
  namespace: Type.Optional(DnsLabel),
  name: DnsName,
  sectionName: Type.Optional(DnsName),
  port: Type.Optional(Port),
});
export type ParentReference = Static<typeof ParentReference>;

/** Kinds with listeners that routes can attach to. */
const PARENT_KINDS: ReadonlySet<string> = new Set(['Gateway', 'ListenerSet']);

/** The target of a parentRef in that namespace; null if it is neither a Gateway nor a ListenerSet. */
export function parentOf({ group, kind, namespace, name }: ParentReference, ownNamespace: string): ObjectRef | null {
  return group === GATEWAY_GROUP && PARENT_KINDS.has(kind) ? { kind, namespace: namespace ?? ownNamespace, name } : null;
}

const backendFields = {
  group: Type.String({ ...Group, default: '' }),
  kind: Type.String({ ...Kind, default: 'Service' }),
  namespace: Type.Optional(DnsLabel),
  name: DnsName,
  port: Type.Optional(Port),
};

/** A destination of requests: a port of a Service, or a Backend. */
export const BackendObjectReference = closed(backendFields);
export type BackendObjectReference = Static<typeof BackendObjectReference>;
export { backendFields };

/** A certificate with its key: a Secret unless group and kind differ. */
export const SecretReference = closed({
  group: Type.String({ ...Group, default: '' }),
  kind: Type.String({ ...Kind, default: 'Secret' }),
  namespace: Type.Optional(DnsLabel),
  name: DnsName,
});
export type SecretReference = Static<typeof SecretReference>;

/** An object of a given kind, in the same namespace by default. */
export const ObjectReference = closed({ group: Group, kind: Kind, namespace: Type.Optional(DnsLabel), name: DnsName });
export type ObjectReference = Static<typeof ObjectReference>;

/** An object of the same namespace. */
export const LocalReference = closed({ group: Group, kind: Kind, name: DnsName });
export type LocalReference = Static<typeof LocalReference>;

/** metav1.LabelSelector: all matchLabels and matchExpressions must hold; an empty one selects everything. */
export const LabelSelector = closed({
  matchLabels: Type.Record(Type.String(), Type.String(), { default: {} }),
  matchExpressions: Type.Array(
    closed({
      key: Type.String({ minLength: 1 }),
      operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
      values: Type.Array(Type.String(), { default: [] }),
    }),
    { default: [] },
  ),
});
export type LabelSelector = Static<typeof LabelSelector>;
