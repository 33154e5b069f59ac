// Bindings give roles to users, groups of a provider, and ServiceAccounts. A caller with `roles:write` in some namespaces manages the
// bindings there, and sees no others.
import { randomUUID } from 'node:crypto';
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import type { Caller } from '../api/operation.ts';
import type { Permission } from '../api/permissions.ts';
import { invalid, notFound, type AdminProblem } from '../api/problem.ts';
import { addBinding, findBinding, findRole, findTenant, grantOf, listBindings } from './access-table.ts';
import type { Binding, SubjectKind } from './access-table.ts';
import { endSessionsOf, guardAll, guardBinding, guardLastAdmin } from './guards.ts';
import type { IdentityStore } from './identity-store.ts';
import { findUser, findUserById } from './user-table.ts';

/** A binding with the name of its subject for people. */
export interface NamedBinding extends Binding {
  /** The name of a user; otherwise the subject. */
  readonly subjectName: string;
}

/** The settings of a binding. `subjectName`: the name of a user or group, or NAMESPACE/NAME of a ServiceAccount. */
export interface BindingSpec {
  readonly subjectKind: SubjectKind;
  readonly subjectName: string;
  readonly role: string;
  readonly tenant: string | null;
  readonly namespaces: readonly string[] | null;
}

export class Bindings {
  readonly #store: IdentityStore;

  constructor(store: IdentityStore) {
    this.#store = store;
  }

  /** The bindings whose namespaces the caller may all see. */
  list(caller: Caller): Promise<Result<readonly NamedBinding[], AdminProblem>> {
    return this.#store.read(async (t) => {
      const visible: NamedBinding[] = [];
      for (const binding of await listBindings(t)) if (await mayIn(t, caller, 'roles:read', binding)) visible.push(await named(t, binding));
      return ok(visible);
    });
  }

  get(caller: Caller, id: string): Promise<Result<NamedBinding, AdminProblem>> {
    return this.#store.read(async (t) => {
      const binding = await findBinding(t, id);
      if (binding === null || !(await mayIn(t, caller, 'roles:read', binding))) return notFound('binding', id);
      return ok(await named(t, binding));
    });
  }

  /** Gives a role. The sessions of the user end, so that its next login gets a new secret. */
  create(caller: Caller, spec: BindingSpec): Promise<Result<NamedBinding, AdminProblem>> {
    return this.#store.write(async (t) => {
      const resolved = await resolve(t, spec);
      if (!resolved.ok) return resolved;
      const { role, tenant, namespaces, subjectKind } = spec;
      // A tenant that the caller may not manage does not exist for it.
      if (!(await mayIn(t, caller, 'roles:write', spec))) return outside(spec);
      const guarded = await guardBinding(t, caller, spec);
      if (!guarded.ok) return guarded;
      const fields = { id: randomUUID(), subjectKind, subject: resolved.value, role, tenant, namespaces };
      const binding = { ...fields, created: await t.now(), createdBy: caller.name };
      await addBinding(t, binding);
      await endSessionsOf(t, [binding], caller.session);
      return ok({ ...binding, subjectName: spec.subjectName });
    });
  }

  delete(caller: Caller, id: string): Promise<Result<NamedBinding, AdminProblem>> {
    return this.#store.write(async (t) => {
      const binding = await findBinding(t, id);
      if (binding === null || !(await mayIn(t, caller, 'roles:write', binding))) return notFound('binding', id);
      const guarded = await guardAll(
        () => guardBinding(t, caller, binding),
        () => guardLastAdmin(t, { binding: id }),
      );
      if (!guarded.ok) return guarded;
      const deleted = await named(t, binding);
      await t.run('DELETE FROM weir_admin_bindings WHERE id = ?', [id]);
      await endSessionsOf(t, [binding], caller.session);
      return ok(deleted);
    });
  }
}

/** Whether the caller has a permission in all namespaces of a binding. */
async function mayIn(
  t: Transaction,
  caller: Caller,
  permission: Permission,
  binding: Omit<BindingSpec, 'subjectKind' | 'subjectName'>,
): Promise<boolean> {
  if (caller.may(permission, null)) return true;
  const { namespaces } = await grantOf(t, binding);
  return namespaces !== null && namespaces.size > 0 && [...namespaces].every((namespace) => caller.may(permission, namespace));
}

async function named(t: Transaction, binding: Binding): Promise<NamedBinding> {
  const user = binding.subjectKind === 'user' ? await findUserById(t, binding.subject) : null;
  return { ...binding, subjectName: user?.name ?? binding.subject };
}

/** The subject as the store has it. */
async function resolve(
  t: Transaction,
  { subjectKind, subjectName, role, tenant, namespaces }: BindingSpec,
): Promise<Result<string, AdminProblem>> {
  if (tenant !== null && namespaces !== null)
    return invalid([{ field: 'body.namespaces', reason: 'is in place of tenant, not beside it' }]);
  if ((await findRole(t, role)) === null) return invalid([{ field: 'body.role', reason: 'names no role' }]);
  if (tenant !== null && (await findTenant(t, tenant)) === null) return unknownTenant();
  if (subjectKind === 'serviceAccount' && !/^[a-z0-9-]+\/[a-z0-9.-]+$/.test(subjectName))
    return invalid([{ field: 'body.subject', reason: 'is not of the form NAMESPACE/NAME' }]);
  if (subjectKind !== 'user') return ok(subjectName);
  const user = await findUser(t, subjectName);
  return user === null ? invalid([{ field: 'body.subject', reason: 'names no user' }]) : ok(user.id);
}

function unknownTenant(): Result<never, AdminProblem> {
  return invalid([{ field: 'body.tenant', reason: 'names no tenant' }]);
}

function outside({ tenant }: BindingSpec): Result<never, AdminProblem> {
  if (tenant !== null) return unknownTenant();
  return invalid([{ field: 'body.namespaces', reason: 'has a namespace, or none, in which the caller may not give roles' }]);
}
