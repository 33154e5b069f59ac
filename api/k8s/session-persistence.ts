// Sessions in a rule of an HTTPRoute or GRPCRoute (GEP-1619, experimental channel): their requests go to one endpoint.
import { Type, type Static } from '#lib/typebox.ts';
import type { FieldError } from './field-error.ts';
import { editObstacle } from './header-rules.ts';
import { closed, Duration } from './schema.ts';

export const SessionPersistence = closed({
  sessionName: Type.Optional(Type.String({ maxLength: 128 })),
  absoluteTimeout: Type.Optional(Duration),
  idleTimeout: Type.Optional(Duration),
  type: Type.Optional(Type.Enum(['Cookie', 'Header'])),
  cookieConfig: Type.Optional(closed({ lifetimeType: Type.Optional(Type.Enum(['Permanent', 'Session'])) })),
});
export type SessionPersistence = Static<typeof SessionPersistence>;

/** The names that cookies and headers can have (RFC 9110 section 5.6.2). */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** The rules that the sessions of a rule violate; `field` is their path. */
export function checkSessionPersistence(sessions: SessionPersistence | undefined, field: string): FieldError[] {
  if (sessions === undefined) return [];
  const { sessionName = '', absoluteTimeout, cookieConfig } = sessions;
  const isEndless = cookieConfig?.lifetimeType === 'Permanent' && absoluteTimeout === undefined;
  return [
    ...checkName(sessionName, `${field}.sessionName`),
    ...(isEndless ? [{ field: `${field}.absoluteTimeout`, reason: 'is needed for a cookie with lifetimeType Permanent' }] : []),
  ];
}

/** An empty name is none. */
function checkName(name: string, field: string): FieldError[] {
  if (name === '') return [];
  const obstacle = NAME.test(name) ? editObstacle('request', 'set', name.toLowerCase()) : 'must be the name of a cookie or header';
  return obstacle === null ? [] : [{ field, reason: obstacle }];
}
