// The rules that changes of users and rights obey: a caller neither gives nor takes over more than its own rights, and one administrator is
// always left.
import { ok, type Result } from '#lib/result.ts';
import type { Transaction } from '#lib/store/store.ts';
import type { Caller } from '../api/operation.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import { countAdmins, grantOf, grantsOf, type Binding, type Subject } from './access-table.ts';
import { covers, type Grant } from './rights.ts';
import { endSessions } from './session-table.ts';
import type { User } from './user-table.ts';

export type Guarded = Result<void, AdminProblem>;

/** The subjects whose bindings a user has. */
export function subjectsOf({ id, groups }: Pick<User, 'id' | 'groups'>): readonly Subject[] {
  return [
    { kind: 'user', names: [id] },
    { kind: 'group', names: groups },
  ];
}

/** Whether the caller has all these rights. */
export function coversAll(caller: Caller, grants: readonly Grant[]): boolean {
  return covers((permission, namespace) => caller.may(permission, namespace), grants);
}

/** Refuses to take over a user with more rights than the caller: a new password would be a way to them. */
export async function guardUser(t: Transaction, caller: Caller, user: User): Promise<Guarded> {
  if (coversAll(caller, await grantsOf(t, subjectsOf(user)))) return ok(undefined);
  return refuse(403, 'rights-exceeded', `user ${JSON.stringify(user.name)} has rights that the caller does not have`);
}

/** Refuses to give or take rights that the caller does not have. */
export async function guardBinding(
  t: Transaction,
  caller: Caller,
  binding: Pick<Binding, 'role' | 'tenant' | 'namespaces'>,
): Promise<Guarded> {
  if (coversAll(caller, [await grantOf(t, binding)])) return ok(undefined);
  return refuse(403, 'rights-exceeded', `role ${JSON.stringify(binding.role)} has permissions there that the caller does not have`);
}

/** Refuses a change after which no user could log in and have all rights. */
export async function guardLastAdmin(t: Transaction, without: { binding?: string; user?: string }): Promise<Guarded> {
  const [before, after] = [await countAdmins(t, {}), await countAdmins(t, without)];
  if (after > 0 || before === 0) return ok(undefined);
  return refuse(409, 'last-admin', 'this is the last user that can log in and has role "admin" everywhere; give the role to another first');
}

/** The result of the first guard that refuses. */
export async function guardAll(...guards: readonly (() => Promise<Guarded>)[]): Promise<Guarded> {
  for (const guard of guards) {
    const result = await guard();
    if (!result.ok) return result;
  }
  return ok(undefined);
}

/** Ends the sessions of the users whose rights have changed, except that of the caller: the next login gets a new secret. */
export async function endSessionsOf(t: Transaction, bindings: readonly Binding[], except: string | null): Promise<void> {
  const users = new Set(bindings.filter(({ subjectKind }) => subjectKind === 'user').map(({ subject }) => subject));
  const groups = new Set(bindings.filter(({ subjectKind }) => subjectKind === 'group').map(({ subject }) => subject));
  if (groups.size > 0) {
    const rows = await t.rows("SELECT id, user_groups FROM weir_admin_users WHERE user_groups <> '[]'");
    for (const row of rows) {
      const member = (JSON.parse(String(row['user_groups'])) as string[]).some((group) => groups.has(group));
      if (member) users.add(String(row['id']));
    }
  }
  for (const user of users) await endSessions(t, user, except);
}
