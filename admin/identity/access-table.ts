// Own roles, tenants and bindings in the store, and the rights that follow from them.
import type { Row, Transaction } from '#lib/store/store.ts';
import { isPermission, type Permission } from '../api/permissions.ts';
import { ADMIN_ROLE, builtInRole } from './built-in-roles.ts';
import type { Grant } from './rights.ts';

/** A set of permissions with a name. */
export interface Role {
  readonly name: string;
  readonly description: string;
  readonly permissions: readonly Permission[];
  readonly version: number;
}

/** A set of namespaces with a name. */
export interface Tenant {
  readonly name: string;
  readonly description: string;
  readonly namespaces: readonly string[];
  readonly version: number;
}

export type SubjectKind = 'user' | 'group' | 'serviceAccount';

/** Gives a role to a subject, in all namespaces, in those of a tenant, or in some. */
export interface Binding {
  readonly id: string;
  readonly subjectKind: SubjectKind;
  /** The id of a user, the name of a group, or NAMESPACE/NAME of a ServiceAccount. */
  readonly subject: string;
  readonly role: string;
  readonly tenant: string | null;
  readonly namespaces: readonly string[] | null;
  readonly created: number;
  readonly createdBy: string;
}

/** A subject of bindings. */
export interface Subject {
  readonly kind: SubjectKind;
  readonly names: readonly string[];
}

/** A role of any kind; null: there is none. */
export async function findRole(t: Transaction, name: string): Promise<Role | null> {
  const builtIn = builtInRole(name);
  if (builtIn !== undefined) return { ...builtIn, version: 0 };
  const [row] = await t.rows('SELECT * FROM weir_admin_roles WHERE name = ?', [name]);
  return row === undefined ? null : roleOf(row);
}

/** Own roles by name. */
export async function listOwnRoles(t: Transaction): Promise<readonly Role[]> {
  return (await t.rows('SELECT * FROM weir_admin_roles ORDER BY name')).map(roleOf);
}

export async function putRole(t: Transaction, { name, description, permissions, version }: Role): Promise<void> {
  await t.run(
    `INSERT INTO weir_admin_roles (name, description, permissions, version) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
     description = excluded.description, permissions = excluded.permissions, version = excluded.version`,
    [name, description, JSON.stringify(permissions), version],
  );
}

export async function findTenant(t: Transaction, name: string): Promise<Tenant | null> {
  const [row] = await t.rows('SELECT * FROM weir_admin_tenants WHERE name = ?', [name]);
  return row === undefined ? null : tenantOf(row);
}

export async function listTenants(t: Transaction): Promise<readonly Tenant[]> {
  return (await t.rows('SELECT * FROM weir_admin_tenants ORDER BY name')).map(tenantOf);
}

export async function putTenant(t: Transaction, { name, description, namespaces, version }: Tenant): Promise<void> {
  await t.run(
    `INSERT INTO weir_admin_tenants (name, description, namespaces, version) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
     description = excluded.description, namespaces = excluded.namespaces, version = excluded.version`,
    [name, description, JSON.stringify(namespaces), version],
  );
}

export async function findBinding(t: Transaction, id: string): Promise<Binding | null> {
  const [row] = await t.rows('SELECT * FROM weir_admin_bindings WHERE id = ?', [id]);
  return row === undefined ? null : bindingOf(row);
}

/** All bindings; with `role` or `tenant` only those of it. */
export async function listBindings(t: Transaction, only: { role?: string; tenant?: string } = {}): Promise<readonly Binding[]> {
  const { role = null, tenant = null } = only;
  const column = role === null ? 'tenant' : 'role';
  const rows =
    role === null && tenant === null
      ? await t.rows('SELECT * FROM weir_admin_bindings ORDER BY created, id')
      : await t.rows(`SELECT * FROM weir_admin_bindings WHERE ${column} = ? ORDER BY created, id`, [role ?? tenant]);
  return rows.map(bindingOf);
}

export async function addBinding(t: Transaction, binding: Binding): Promise<void> {
  const { id, subjectKind, subject, role, tenant, namespaces, created, createdBy } = binding;
  await t.run(
    `INSERT INTO weir_admin_bindings (id, subject_kind, subject, role, tenant, namespaces, created, created_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [id, subjectKind, subject, role, tenant, namespaces === null ? null : JSON.stringify(namespaces), created, createdBy],
  );
}

/** The rights that a binding gives. A role or tenant that does not exist gives none. */
export async function grantOf(
  t: Transaction,
  { role, tenant, namespaces }: Pick<Binding, 'role' | 'tenant' | 'namespaces'>,
): Promise<Grant> {
  const permissions = new Set((await findRole(t, role))?.permissions);
  if (tenant !== null) return { permissions, namespaces: new Set((await findTenant(t, tenant))?.namespaces) };
  return { permissions, namespaces: namespaces === null ? null : new Set(namespaces) };
}

/** The bindings of some subjects. */
export async function bindingsOf(t: Transaction, subjects: readonly Subject[]): Promise<readonly Binding[]> {
  const found: Binding[] = [];
  for (const { kind, names } of subjects) {
    if (names.length === 0) continue;
    const places = names.map(() => '?').join(', ');
    const sql = `SELECT * FROM weir_admin_bindings WHERE subject_kind = ? AND subject IN (${places}) ORDER BY created, id`;
    found.push(...(await t.rows(sql, [kind, ...names])).map(bindingOf));
  }
  return found;
}

/** The rights of some subjects. */
export async function grantsOf(t: Transaction, subjects: readonly Subject[]): Promise<readonly Grant[]> {
  const grants: Grant[] = [];
  for (const binding of await bindingsOf(t, subjects)) grants.push(await grantOf(t, binding));
  return grants;
}

/** Users that can log in and have all rights, without one binding, or without one user. Groups do not count: they are of a provider. */
export async function countAdmins(t: Transaction, without: { binding?: string; user?: string }): Promise<number> {
  const [row] = await t.rows(
    `SELECT COUNT(DISTINCT u.id) AS count FROM weir_admin_users u JOIN weir_admin_bindings b ON b.subject_kind = 'user' AND b.subject = u.id
     WHERE u.disabled = 0 AND u.password IS NOT NULL AND b.role = '${ADMIN_ROLE}' AND b.tenant IS NULL AND b.namespaces IS NULL
     AND b.id <> ? AND u.id <> ?`,
    [without.binding ?? '', without.user ?? ''],
  );
  return Number(row?.['count']);
}

function roleOf(row: Row): Role {
  const { name, description, permissions, version } = row;
  // A permission of another release gives nothing.
  const known = (JSON.parse(String(permissions)) as string[]).filter(isPermission);
  return { name: String(name), description: String(description), permissions: known, version: Number(version) };
}

function tenantOf({ name, description, namespaces, version }: Row): Tenant {
  const list = JSON.parse(String(namespaces)) as string[];
  return { name: String(name), description: String(description), namespaces: list, version: Number(version) };
}

function bindingOf(row: Row): Binding {
  const { tenant, namespaces } = row;
  return {
    id: String(row['id']),
    subjectKind: String(row['subject_kind']) as SubjectKind,
    subject: String(row['subject']),
    role: String(row['role']),
    tenant: tenant === null || tenant === undefined ? null : String(tenant),
    namespaces: namespaces === null || namespaces === undefined ? null : (JSON.parse(String(namespaces)) as string[]),
    created: Number(row['created']),
    createdBy: String(row['created_by']),
  };
}
