// The roles of callers, and what they permit.
import type { PrincipalSource } from '../expression/facts.ts';
import type { AuthorizationSettings } from './conditions.ts';
import type { AccessSubject } from './subject.ts';

type RoleSettings = NonNullable<AuthorizationSettings['roles']>[number];

/** The callers with some roles. */
type Holds = (subject: AccessSubject) => boolean;

export class Roles {
  readonly #roles: readonly RoleSettings[];

  constructor(roles: readonly RoleSettings[]) {
    this.#roles = roles;
  }

  /** Whether the caller has one of the roles. */
  named(names: readonly string[]): Holds {
    return callersOf(this.#roles.filter(({ name = '' }) => names.includes(name)));
  }

  /** Whether a role of the caller has one of the permissions. */
  permitting(wanted: readonly string[]): Holds {
    return callersOf(this.#roles.filter(({ permissions = [] }) => permissions.some((permission) => wanted.includes(permission))));
  }
}

function callersOf(roles: readonly RoleSettings[]): Holds {
  const ids = new Set(roles.flatMap(({ principals = [] }) => principals));
  const groups = new Set(roles.flatMap(({ groups: names = [] }) => names));
  const consumers = new Set(roles.flatMap(({ consumers: names = [] }) => names));
  const has = ({ id, consumer, groups: own }: PrincipalSource): boolean =>
    ids.has(id) || consumers.has(consumer) || own.some((group) => groups.has(group));
  return ({ principal }) => principal !== null && has(principal);
}
