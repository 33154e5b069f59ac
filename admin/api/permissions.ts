// The permissions of the admin API: `area:verb`. A role is a set of them.

/** Each permission, with its meaning. */
export const PERMISSIONS = {
  'users:read': 'see users with their roles',
  'users:write': 'create, change, lock and delete users',
  'roles:read': 'see roles, permissions and bindings',
  'roles:write': 'create, change and delete roles and bindings',
  'tenants:read': 'see tenants with their namespaces',
  'tenants:write': 'create, change and delete tenants',
  'tokens:read': 'see the API tokens of others, without their secrets',
  'tokens:write': 'create and revoke API tokens of others',
  'sessions:read': 'see the sessions of others',
  'sessions:write': 'end the sessions of others',
  'configuration:read': 'see configuration objects, without the data of Secrets',
  'configuration:write': 'create, change and delete configuration objects',
  'revisions:read': 'see what was in force, and compare revisions',
  'revisions:rollback': 'bring an earlier revision back into force',
  'backups:read': 'check backups',
  'backups:write': 'make backups; one has the hashes of passwords and tokens',
  'backups:restore': 'restore a backup: it replaces users, roles and tokens too',
  'audit:read': 'see, verify and export the audit log',
  'audit:write': 'change the retention of the audit log',
  'traffic:read': 'see proxies, endpoints, breakers, limits, caches, connections and errors',
  'traffic:write': 'drain proxies, override endpoints and breakers, block requests, reset limits, purge caches, close connections',
  'requests:read': 'see lines of requests: a live tail and recent requests',
  'alerts:read': 'see alerts, silences and channels',
  'alerts:write': 'silence alerts, and send test messages to channels',
  'system:read': 'see the status, version and settings of controllers, proxies and the admin program',
  'system:write': 'change log levels of running processes',
  'system:diagnose': 'take CPU profiles, heap snapshots and diagnostics bundles',
} as const satisfies Readonly<Record<`${string}:${string}`, string>>;

/** The name of a permission. */
export type Permission = keyof typeof PERMISSIONS;

/** All permissions, in the order of their areas. */
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as readonly Permission[];

/** Whether a text is the name of a permission. */
export function isPermission(text: string): text is Permission {
  return Object.hasOwn(PERMISSIONS, text);
}
