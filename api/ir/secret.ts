// The certificate and key of a TLS listener. They are a resource of their own, so that a rotation recompiles no route.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import type { ResourceKindOf } from './resource-kind.ts';

/**
 * A kubernetes.io/tls Secret. Key: `<namespace>/<name>`. Both values are PEM, or both are '' if the controller has no usable pair: a proxy
 * that has a pair keeps it.
 */
export const Secret = Type.Object(
  {
    kind: Type.Literal('Secret'),
    key: Type.String({ minLength: 1 }),
    certificate: Type.String(),
    privateKey: Type.String(),
    /** The problem of the pair that the Secret has now: "holds no PEM certificate in tls.crt". Absent: no problem. */
    problem: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
export type Secret = Static<typeof Secret>;

export const secretKind: ResourceKindOf<typeof Secret> = {
  kind: 'Secret',
  schema: Secret,
  origin: (key) => {
    const [namespace = '', name = ''] = key.split('/');
    return { ref: { kind: 'Secret', namespace, name }, part: '' };
  },
  hasStatus: false,
  references: { from: 'key', read: (key) => ({ names: [resourceId('Secret', key)], needs: [] }) },
  additions: [
    // A proxy without it serves the pair that it gets, and refuses a Secret without a pair: it keeps the pair that it has.
    { capability: 'kept-pairs', path: 'problem', otherwise: 'omit silently' },
  ],
};
