// Tenants: sets of namespaces that bindings refer to. A caller that cannot see all namespaces sees the tenants in which it has a right.
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import type { Caller } from '../api/operation.ts';
import { changedMeanwhile, notFound, refuse, type AdminProblem } from '../api/problem.ts';
import { findRole, findTenant, listBindings, listTenants, putTenant, type Tenant } from './access-table.ts';
import { coversAll, endSessionsOf, type Guarded } from './guards.ts';
import type { IdentityStore } from './identity-store.ts';

/** The settings of a tenant. */
export type TenantSpec = Omit<Tenant, 'version'>;

/** A tenant before and after a change. */
export interface TenantChanged {
  readonly before: Tenant | null;
  readonly after: Tenant;
}

export class Tenants {
  readonly #store: IdentityStore;

  constructor(store: IdentityStore) {
    this.#store = store;
  }

  list(caller: Caller): Promise<Result<readonly Tenant[], AdminProblem>> {
    return this.#store.read(async (t) => ok((await listTenants(t)).filter((tenant) => isVisible(caller, tenant))));
  }

  /** A tenant that the caller may not see does not exist for it. */
  get(caller: Caller, name: string): Promise<Result<Tenant, AdminProblem>> {
    return this.#store.read(async (t) => {
      const tenant = await findTenant(t, name);
      return tenant === null || !isVisible(caller, tenant) ? notFound('tenant', name) : ok(tenant);
    });
  }

  create(spec: TenantSpec): Promise<Result<TenantChanged, AdminProblem>> {
    return this.#store.write(async (t) => {
      if ((await findTenant(t, spec.name)) !== null)
        return refuse(409, 'tenant-exists', `tenant ${JSON.stringify(spec.name)} exists already`);
      const after = { ...spec, version: 1 };
      await putTenant(t, after);
      return ok({ before: null, after });
    });
  }

  /** Replaces a tenant, and ends the sessions of the users that have a role in it. */
  replace(caller: Caller, spec: TenantSpec, version: string | null): Promise<Result<TenantChanged, AdminProblem>> {
    return this.#store.write(async (t) => {
      const before = await findTenant(t, spec.name);
      if (before === null) return notFound('tenant', spec.name);
      if (version !== null && version !== String(before.version)) return changedMeanwhile('tenant', spec.name, String(before.version));
      const added = spec.namespaces.filter((namespace) => !before.namespaces.includes(namespace));
      const guarded = await guardNamespaces(t, caller, spec.name, added);
      if (!guarded.ok) return guarded;
      const after = { ...spec, version: before.version + 1 };
      await putTenant(t, after);
      await endSessionsOf(t, await listBindings(t, { tenant: spec.name }), caller.session);
      return ok({ before, after });
    });
  }

  delete(name: string): Promise<Result<Tenant, AdminProblem>> {
    return this.#store.write(async (t) => {
      const tenant = await findTenant(t, name);
      if (tenant === null) return notFound('tenant', name);
      const bindings = await listBindings(t, { tenant: name });
      if (bindings.length > 0)
        return refuse(409, 'tenant-in-use', `tenant ${JSON.stringify(name)} has ${bindings.length} bindings; delete them first`);
      await t.run('DELETE FROM weir_admin_tenants WHERE name = ?', [name]);
      return ok(tenant);
    });
  }
}

function isVisible(caller: Caller, { namespaces }: Tenant): boolean {
  return caller.may('tenants:read', null) || namespaces.some((namespace) => caller.may('tenants:read', namespace));
}

/** Each namespace that a tenant gets gives the rights of its bindings there, so the caller must have them. */
async function guardNamespaces(t: Transaction, caller: Caller, tenant: string, added: readonly string[]): Promise<Guarded> {
  const namespaces = new Set(added);
  for (const { role } of await listBindings(t, { tenant })) {
    const permissions = new Set((await findRole(t, role))?.permissions);
    if (!coversAll(caller, [{ permissions, namespaces }]))
      return refuse(
        403,
        'rights-exceeded',
        `role ${JSON.stringify(role)} is bound in the tenant, and has permissions that the caller does not have`,
      );
  }
  return ok(undefined);
}
