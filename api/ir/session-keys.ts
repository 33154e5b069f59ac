// The keys that all proxies sign and verify sessions with, so that a session holds at each of them. They are a resource of their own, since
// a rotation changes no route.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import type { ResourceKindOf } from './resource-kind.ts';

/** The key of the only resource of this kind. */
export const SESSION_KEYS = 'sessions';

/** Key: SESSION_KEYS. Every listener needs it, so that all fleets get it. */
export const SessionKeys = Type.Object(
  {
    kind: Type.Literal('SessionKeys'),
    key: Type.Literal(SESSION_KEYS),
    /** Base64. The first one signs, all of them verify: those before and after a rotation. */
    keys: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
  },
  { additionalProperties: false },
);
export type SessionKeys = Static<typeof SessionKeys>;

export const sessionKeysKind: ResourceKindOf<typeof SessionKeys> = {
  kind: 'SessionKeys',
  schema: SessionKeys,
  // No object has the keys: the controller makes them.
  origin: (key) => ({ ref: { kind: 'SessionKeys', namespace: '', name: key }, part: '' }),
  hasStatus: false,
  references: { from: 'key', read: (key) => ({ names: [resourceId('SessionKeys', key)], needs: [] }) },
  // A proxy without it keeps no sessions.
  additions: [{ capability: 'session-persistence', path: '', otherwise: 'remove' }],
};
