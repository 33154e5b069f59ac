// The sessions of a rule of an HTTPRoute or GRPCRoute.
import { parseDuration } from '#lib/duration.ts';
import type { SessionPersistence } from '#api/k8s/session-persistence.ts';
import type * as ir from '#api/ir/ir.ts';

/** The field of a Route; no field if the rule leaves sessions to policies. */
export function compileSessions(sessions: SessionPersistence | undefined): Pick<ir.Route, 'sessionPersistence'> {
  if (sessions === undefined) return {};
  const { type = 'Cookie', sessionName: name = '', absoluteTimeout, idleTimeout, cookieConfig } = sessions;
  const permanent = type === 'Cookie' && cookieConfig?.lifetimeType === 'Permanent';
  return {
    sessionPersistence: { type, name, permanent, absoluteTimeout: milliseconds(absoluteTimeout), idleTimeout: milliseconds(idleTimeout) },
  };
}

/** 0 without a duration; the schema has rejected invalid ones. */
function milliseconds(duration: string | undefined): number {
  const parsed = duration === undefined ? null : parseDuration(duration);
  return parsed?.ok === true ? parsed.value : 0;
}
