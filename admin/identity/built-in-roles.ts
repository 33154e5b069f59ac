// The roles that always exist. The store has only own roles.
import { PERMISSION_NAMES, type Permission } from '../api/permissions.ts';

const VIEWER: readonly Permission[] = [
  'tenants:read',
  'configuration:read',
  'revisions:read',
  'traffic:read',
  'alerts:read',
  'system:read',
];

/** A role with its permissions. */
export interface BuiltInRole {
  readonly name: string;
  readonly description: string;
  readonly permissions: readonly Permission[];
}

/** The role that has all permissions. */
export const ADMIN_ROLE = 'admin';

export const BUILT_IN_ROLES: readonly BuiltInRole[] = [
  { name: 'viewer', description: 'Sees configuration, traffic, alerts and the system.', permissions: VIEWER },
  {
    name: 'operator',
    description: 'A viewer that also acts on running proxies, alerts and log levels.',
    permissions: [...VIEWER, 'traffic:write', 'requests:read', 'alerts:write', 'system:write', 'system:diagnose'],
  },
  {
    name: 'editor',
    description: 'A viewer that also changes configuration, and rolls it back.',
    permissions: [...VIEWER, 'configuration:write', 'revisions:rollback', 'requests:read'],
  },
  {
    name: 'security',
    description: 'A viewer that also manages users, roles, tokens and sessions up to its own rights, and sees the audit log.',
    permissions: [...VIEWER, ...PERMISSION_NAMES.filter((name) => /^(users|roles|tokens|sessions):/.test(name)), 'audit:read'],
  },
  { name: ADMIN_ROLE, description: 'Has all permissions.', permissions: PERMISSION_NAMES },
];

/** A built-in role by its name. */
export function builtInRole(name: string): BuiltInRole | undefined {
  return BUILT_IN_ROLES.find((role) => role.name === name);
}
