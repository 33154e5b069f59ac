// Own roles: sets of permissions. A caller can only make, change and delete roles up to its own rights.
import { ok, type Result } from '#lib/result.ts';
import type { Caller } from '../api/operation.ts';
import type { Permission } from '../api/permissions.ts';
import { changedMeanwhile, notFound, refuse, type AdminProblem } from '../api/problem.ts';
import { findRole, listBindings, listOwnRoles, putRole, type Role } from './access-table.ts';
import { BUILT_IN_ROLES, builtInRole } from './built-in-roles.ts';
import { coversAll, endSessionsOf, type Guarded } from './guards.ts';
import type { IdentityStore } from './identity-store.ts';

/** The settings of a role. */
export type RoleSpec = Omit<Role, 'version'>;

/** A role before and after a change. */
export interface RoleChanged {
  readonly before: Role | null;
  readonly after: Role;
}

export class Roles {
  readonly #store: IdentityStore;

  constructor(store: IdentityStore) {
    this.#store = store;
  }

  /** The built-in roles, then the others by name. */
  list(): Promise<Result<readonly Role[], AdminProblem>> {
    const builtIn = BUILT_IN_ROLES.map((role) => ({ ...role, version: 0 }));
    return this.#store.read(async (t) => ok([...builtIn, ...(await listOwnRoles(t))]));
  }

  get(name: string): Promise<Result<Role, AdminProblem>> {
    return this.#store.read(async (t) => {
      const role = await findRole(t, name);
      return role === null ? notFound('role', name) : ok(role);
    });
  }

  create(caller: Caller, spec: RoleSpec): Promise<Result<RoleChanged, AdminProblem>> {
    return this.#store.write(async (t) => {
      if ((await findRole(t, spec.name)) !== null) return refuse(409, 'role-exists', `role ${JSON.stringify(spec.name)} exists already`);
      const guarded = guardPermissions(caller, spec.permissions);
      if (!guarded.ok) return guarded;
      const after = { ...spec, version: 1 };
      await putRole(t, after);
      return ok({ before: null, after });
    });
  }

  /** Replaces a role, and ends the sessions of the users that have it. */
  replace(caller: Caller, spec: RoleSpec, version: string | null): Promise<Result<RoleChanged, AdminProblem>> {
    return this.#store.write(async (t) => {
      const before = await findRole(t, spec.name);
      if (before === null) return notFound('role', spec.name);
      if (builtInRole(spec.name) !== undefined) return builtIn(spec.name);
      if (version !== null && version !== String(before.version)) return changedMeanwhile('role', spec.name, String(before.version));
      const guarded = guardPermissions(caller, [...before.permissions, ...spec.permissions]);
      if (!guarded.ok) return guarded;
      const after = { ...spec, version: before.version + 1 };
      await putRole(t, after);
      await endSessionsOf(t, await listBindings(t, { role: spec.name }), caller.session);
      return ok({ before, after });
    });
  }

  delete(caller: Caller, name: string): Promise<Result<Role, AdminProblem>> {
    return this.#store.write(async (t) => {
      const role = await findRole(t, name);
      if (role === null) return notFound('role', name);
      if (builtInRole(name) !== undefined) return builtIn(name);
      const guarded = guardPermissions(caller, role.permissions);
      if (!guarded.ok) return guarded;
      const bindings = await listBindings(t, { role: name });
      if (bindings.length > 0)
        return refuse(409, 'role-in-use', `role ${JSON.stringify(name)} has ${bindings.length} bindings; delete them first`);
      await t.run('DELETE FROM weir_admin_roles WHERE name = ?', [name]);
      return ok(role);
    });
  }
}

function builtIn(name: string): Result<never, AdminProblem> {
  return refuse(409, 'role-built-in', `role ${JSON.stringify(name)} is built in, so it does not change; make a role of another name`);
}

function guardPermissions(caller: Caller, permissions: readonly Permission[]): Guarded {
  if (coversAll(caller, [{ permissions: new Set(permissions), namespaces: null }])) return ok(undefined);
  const missing = permissions.find((permission) => !caller.may(permission, null));
  return refuse(403, 'rights-exceeded', `the caller does not have permission ${JSON.stringify(missing)} in all namespaces`);
}
