// Key material a listener terminates TLS with. A resource of its own, so that rotation recompiles no route.
import { Type, type Static } from 'typebox';
import { resourceId } from './resource-id.ts';
import type { ResourceKindOf } from './resource-kind.ts';

/**
 * A kubernetes.io/tls Secret. Key: `<namespace>/<name>`. Both values are PEM, or both are '' where the controller knows no pair that can
 * be used: a proxy that has one goes on with it.
 */
export const Secret = Type.Object(
  {
    kind: Type.Literal('Secret'),
    key: Type.String({ minLength: 1 }),
    certificate: Type.String(),
    privateKey: Type.String(),
    /** What is wrong with the pair that the Secret holds now: "holds no PEM certificate in tls.crt". Absent: nothing. */
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
    // A proxy without it serves the pair that it is sent, and refuses a Secret without a pair: it keeps the pair that it has.
    { capability: 'kept-pairs', path: 'problem', otherwise: 'omit silently' },
  ],
};
