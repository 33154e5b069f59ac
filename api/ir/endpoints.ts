// The endpoints of one cluster. They are a resource of their own, so that changes of pods never recompile or resend a route.
import { Type, type Static } from 'typebox';
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
  additions: [],
};
