// The endpoints of one cluster. They are a resource of their own, so that changes of pods never recompile or resend a route.
import { Type, type Static } from '#lib/typebox.ts';
import { originOfBackend } from './cluster.ts';
import { resourceId } from './resource-id.ts';
import type { ResourceKindOf } from './resource-kind.ts';

/** One address of a cluster. `draining`: it still serves, but gets new exchanges only if no other endpoint is left. */
export const Endpoint = Type.Object(
  {
    address: Type.String({ minLength: 1 }),
    port: Type.Integer({ minimum: 1, maximum: 65535 }),
    draining: Type.Boolean(),
    zone: Type.Optional(Type.String()),
    /** The zones for which Kubernetes allocates it. */
    zones: Type.Optional(Type.Array(Type.String())),
    /** The share among the endpoints of its priority; absent means 1. */
    weight: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    /** Endpoints of priority 0 (absent) come first. */
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 })),
    /** Metadata, for subsets. */
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  { additionalProperties: false },
);
export type Endpoint = Static<typeof Endpoint>;

/** The key is the key of its cluster. Endpoints are sorted by address and port, without duplicates. */
export const Endpoints = Type.Object(
  {
    kind: Type.Literal('Endpoints'),
    key: Type.String({ minLength: 1 }),
    endpoints: Type.Array(Endpoint),
    /** The source has not answered yet. Endpoints of this key that are in use already stay in use. */
    unresolved: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
);
export type Endpoints = Static<typeof Endpoints>;

export const endpointsKind: ResourceKindOf<typeof Endpoints> = {
  kind: 'Endpoints',
  schema: Endpoints,
  origin: originOfBackend,
  hasStatus: false,
  references: { from: 'key', read: (key) => ({ names: [resourceId('Cluster', key)], needs: [] }) },
  additions: [
    { capability: 'endpoint-zones', path: 'endpoints[].zones', otherwise: 'omit silently' },
    { capability: 'endpoint-weight', path: 'endpoints[].weight', otherwise: 'omit silently' },
    { capability: 'endpoint-priority', path: 'endpoints[].priority', otherwise: 'omit silently' },
    { capability: 'endpoint-labels', path: 'endpoints[].labels', otherwise: 'omit silently' },
    { capability: 'unresolved-endpoints', path: 'unresolved', otherwise: 'omit silently' },
  ],
};
