// How sessions are kept: as the rule says, otherwise as a BackendTrafficPolicy says.
import type * as ir from '#api/ir/ir.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { SessionSettings } from '../../cluster/session/rule-sessions.ts';

type Policy = NonNullable<NonNullable<PolicySettings<'BackendTrafficPolicy'>['loadBalancer']>['sessionPersistence']>;

/** Null: no sessions are kept. The settings of a rule replace those of policies as a whole (GEP-1619). */
export function sessionSettings(
  rule: ir.SessionPersistence | undefined,
  { loadBalancer }: PolicySettings<'BackendTrafficPolicy'>,
): SessionSettings | null {
  if (rule !== undefined) return rule;
  const policy = loadBalancer?.sessionPersistence;
  return policy === undefined ? null : ofPolicy(policy);
}

function ofPolicy({
  type = 'Cookie',
  sessionName: name = '',
  absoluteTimeout = 0,
  idleTimeout = 0,
  cookieConfig,
}: Policy): SessionSettings | null {
  if (type === 'None') return null;
  return { type, name, permanent: type === 'Cookie' && cookieConfig?.lifetimeType === 'Permanent', absoluteTimeout, idleTimeout };
}
