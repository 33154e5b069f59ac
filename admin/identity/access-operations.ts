// Operations about roles, bindings and tenants.
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply, replyEmpty, type Area } from '../api/operation.ts';
import { pageOf } from '../api/page.ts';
import { PERMISSIONS } from '../api/permissions.ts';
import type { Bindings } from './bindings.ts';
import { EXAMPLE_BINDING, EXAMPLE_IDS, EXAMPLE_ROLE, EXAMPLE_TENANT } from './examples.ts';
import type { Roles } from './roles.ts';
import * as schemas from './schemas.ts';
import { closed, line, NAME, NO_BODY, shownBinding, shownRole, shownTenant } from './schemas.ts';
import type { Tenants } from './tenants.ts';

const EXCEEDED = { 403: ['rights-exceeded'] };
const GONE = { status: 204, answer: NO_BODY } as const;

export function roleArea(roles: Roles): Area {
  return { name: 'roles', summary: 'Roles: sets of permissions.', operations: [...roleReaders(roles), ...roleWriters(roles)] };
}

export function bindingArea(bindings: Bindings): Area {
  return { name: 'bindings', summary: 'Bindings: which subject has which role, and where.', operations: bindingOperations(bindings) };
}

export function tenantArea(tenants: Tenants): Area {
  return {
    name: 'tenants',
    summary: 'Tenants: sets of namespaces.',
    operations: [...tenantReaders(tenants), ...tenantWriters(tenants)],
  };
}

const ROLE_PARAMS = closed({ role: NAME });
const ROLE_EXAMPLE = { params: { role: 'releaser' }, unknown: { role: 'no-such-role' } };
const ROLE_BODY = { description: line('What it is for.'), permissions: schemas.PERMISSION_LIST };
const ROLE_VALUES = { description: EXAMPLE_ROLE.description, permissions: EXAMPLE_ROLE.permissions };

function roleReaders(roles: Roles) {
  const permissions = adminOperation({
    ...{ id: 'permissions.list', method: 'GET', path: '/permissions', tag: 'roles', summary: 'List permissions', permission: 'roles:read' },
    answer: pageOf(closed({ name: Type.String(), description: Type.String() })),
    example: { answer: { items: [{ name: 'users:read', description: PERMISSIONS['users:read'] }], next: null } },
    run: () =>
      Promise.resolve(reply({ items: Object.entries(PERMISSIONS).map(([name, description]) => ({ name, description })), next: null })),
  });
  const list = adminOperation({
    ...{ id: 'roles.list', method: 'GET', path: '/roles', tag: 'roles', summary: 'List roles', permission: 'roles:read' },
    answer: pageOf(schemas.ROLE),
    example: { answer: { items: [EXAMPLE_ROLE], next: null } },
    async run() {
      const found = await roles.list();
      return found.ok ? reply({ items: found.value.map(shownRole), next: null }) : found;
    },
  });
  const get = adminOperation({
    ...{ id: 'roles.get', method: 'GET', path: '/roles/{role}', tag: 'roles', summary: 'Read a role', permission: 'roles:read' },
    params: ROLE_PARAMS,
    answer: schemas.ROLE,
    example: { ...ROLE_EXAMPLE, answer: EXAMPLE_ROLE },
    async run({ params }) {
      const found = await roles.get(params.role);
      return found.ok ? reply(shownRole(found.value), { etag: String(found.value.version) }) : found;
    },
  });
  return [permissions, list, get];
}

function roleWriters(roles: Roles) {
  return [createRole(roles), replaceRole(roles), deleteRole(roles)];
}

function createRole(roles: Roles) {
  return adminOperation({
    ...{ id: 'roles.create', method: 'POST', path: '/roles', tag: 'roles', summary: 'Add a role', permission: 'roles:write', status: 201 },
    description: 'It can only have permissions that the caller has in all namespaces.',
    body: closed({ name: NAME, ...ROLE_BODY }),
    answer: schemas.ROLE,
    problems: { ...EXCEEDED, 409: ['role-exists'] },
    example: { body: { name: 'releaser-2', ...ROLE_VALUES }, answer: { ...EXAMPLE_ROLE, name: 'releaser-2' } },
    async run({ body }, { caller, changed }) {
      const made = await roles.create(caller, body);
      if (!made.ok) return made;
      const after = shownRole(made.value.after);
      changed({ object: `role/${body.name}`, before: null, after });
      return reply(after, { etag: String(made.value.after.version), location: `/roles/${body.name}` });
    },
  });
}

function replaceRole(roles: Roles) {
  return adminOperation({
    ...{ id: 'roles.replace', method: 'PUT', path: '/roles/{role}', tag: 'roles', summary: 'Replace a role', permission: 'roles:write' },
    description: 'The sessions of users that have it end, except that of the caller.',
    params: ROLE_PARAMS,
    body: closed(ROLE_BODY),
    answer: schemas.ROLE,
    precondition: 'required',
    problems: { ...EXCEEDED, 409: ['role-built-in'] },
    example: { ...ROLE_EXAMPLE, body: ROLE_VALUES, answer: EXAMPLE_ROLE },
    async run({ params, body, ifMatch }, { caller, changed }) {
      const made = await roles.replace(caller, { name: params.role, ...body }, ifMatch);
      if (!made.ok) return made;
      const { before, after } = made.value;
      changed({ object: `role/${params.role}`, before: before && shownRole(before), after: shownRole(after) });
      return reply(shownRole(after), { etag: String(after.version) });
    },
  });
}

function deleteRole(roles: Roles) {
  return adminOperation({
    ...{ ...GONE, id: 'roles.delete', method: 'DELETE', path: '/roles/{role}', tag: 'roles', permission: 'roles:write' },
    summary: 'Delete a role',
    params: ROLE_PARAMS,
    problems: { ...EXCEEDED, 409: ['role-built-in', 'role-in-use'] },
    example: ROLE_EXAMPLE,
    async run({ params }, { caller, changed }) {
      const deleted = await roles.delete(caller, params.role);
      if (!deleted.ok) return deleted;
      changed({ object: `role/${params.role}`, before: shownRole(deleted.value), after: null });
      return replyEmpty();
    },
  });
}

const BINDING_PARAMS = closed({ binding: schemas.ID });
const BINDING_EXAMPLE = { params: { binding: EXAMPLE_IDS.binding }, unknown: { binding: 'no-such-binding' } };

const BINDING = { tag: 'bindings', filtersNamespaces: true } as const;

function bindingOperations(bindings: Bindings) {
  return [listBindings(bindings), getBinding(bindings), createBinding(bindings), deleteBinding(bindings)];
}

function listBindings(bindings: Bindings) {
  return adminOperation({
    ...{ ...BINDING, id: 'bindings.list', method: 'GET', path: '/bindings', summary: 'List bindings', permission: 'roles:read' },
    description: 'Only those in namespaces in which the caller may see them.',
    answer: pageOf(schemas.BINDING),
    example: { answer: { items: [EXAMPLE_BINDING], next: null } },
    async run(_, { caller }) {
      const found = await bindings.list(caller);
      return found.ok ? reply({ items: found.value.map(shownBinding), next: null }) : found;
    },
  });
}

function getBinding(bindings: Bindings) {
  return adminOperation({
    ...{ ...BINDING, id: 'bindings.get', method: 'GET', path: '/bindings/{binding}', summary: 'Read a binding', permission: 'roles:read' },
    params: BINDING_PARAMS,
    answer: schemas.BINDING,
    example: { ...BINDING_EXAMPLE, answer: EXAMPLE_BINDING },
    async run({ params }, { caller }) {
      const found = await bindings.get(caller, params.binding);
      return found.ok ? reply(shownBinding(found.value)) : found;
    },
  });
}

function createBinding(bindings: Bindings) {
  return adminOperation({
    ...{
      ...BINDING,
      id: 'bindings.create',
      method: 'POST',
      path: '/bindings',
      summary: 'Give a role',
      permission: 'roles:write',
      status: 201,
    },
    description: 'The caller must have all permissions of the role in the same namespaces. The sessions of the user end.',
    body: closed({
      ...{ subjectKind: schemas.SUBJECT_KIND, subject: schemas.SUBJECT, role: NAME },
      ...{ tenant: Type.Optional(NAME), namespaces: Type.Optional(schemas.NAMESPACES) },
    }),
    answer: schemas.BINDING,
    problems: EXCEEDED,
    example: { body: { subjectKind: 'user', subject: 'ana', role: 'viewer', tenant: 'shop' }, answer: EXAMPLE_BINDING },
    async run({ body: { subject, tenant = null, namespaces = null, ...rest } }, { caller, changed }) {
      const made = await bindings.create(caller, { ...rest, subjectName: subject, tenant, namespaces });
      if (!made.ok) return made;
      const after = shownBinding(made.value);
      changed({ object: `binding/${after.id}`, before: null, after });
      return reply(after, { location: `/bindings/${after.id}` });
    },
  });
}

function deleteBinding(bindings: Bindings) {
  return adminOperation({
    ...{ ...BINDING, ...GONE, id: 'bindings.delete', method: 'DELETE', path: '/bindings/{binding}', summary: 'Take a role' },
    description: 'The sessions of the user end.',
    permission: 'roles:write',
    params: BINDING_PARAMS,
    problems: { ...EXCEEDED, 409: ['last-admin'] },
    example: BINDING_EXAMPLE,
    async run({ params }, { caller, changed }) {
      const deleted = await bindings.delete(caller, params.binding);
      if (!deleted.ok) return deleted;
      changed({ object: `binding/${params.binding}`, before: shownBinding(deleted.value), after: null });
      return replyEmpty();
    },
  });
}

const TENANT_PARAMS = closed({ tenant: NAME });
const TENANT_EXAMPLE = { params: { tenant: 'shop' }, unknown: { tenant: 'no-such-tenant' } };
const TENANT_BODY = { description: line('What it is for.'), namespaces: schemas.NAMESPACES };
const TENANT_VALUES = { description: EXAMPLE_TENANT.description, namespaces: EXAMPLE_TENANT.namespaces };

function tenantReaders(tenants: Tenants) {
  const shared = { tag: 'tenants', filtersNamespaces: true, permission: 'tenants:read' } as const;
  const list = adminOperation({
    ...{ ...shared, id: 'tenants.list', method: 'GET', path: '/tenants', summary: 'List tenants' },
    description: 'Only those with a namespace in which the caller may see them.',
    answer: pageOf(schemas.TENANT),
    example: { answer: { items: [EXAMPLE_TENANT], next: null } },
    async run(_, { caller }) {
      const found = await tenants.list(caller);
      return found.ok ? reply({ items: found.value.map(shownTenant), next: null }) : found;
    },
  });
  const get = adminOperation({
    ...{ ...shared, id: 'tenants.get', method: 'GET', path: '/tenants/{tenant}', summary: 'Read a tenant' },
    params: TENANT_PARAMS,
    answer: schemas.TENANT,
    example: { ...TENANT_EXAMPLE, answer: EXAMPLE_TENANT },
    async run({ params }, { caller }) {
      const found = await tenants.get(caller, params.tenant);
      return found.ok ? reply(shownTenant(found.value), { etag: String(found.value.version) }) : found;
    },
  });
  return [list, get];
}

const TENANT_WRITE = { tag: 'tenants', permission: 'tenants:write' } as const;

function tenantWriters(tenants: Tenants) {
  return [createTenant(tenants), replaceTenant(tenants), deleteTenant(tenants)];
}

function createTenant(tenants: Tenants) {
  return adminOperation({
    ...{ ...TENANT_WRITE, id: 'tenants.create', method: 'POST', path: '/tenants', summary: 'Add a tenant', status: 201 },
    body: closed({ name: NAME, ...TENANT_BODY }),
    answer: schemas.TENANT,
    problems: { 409: ['tenant-exists'] },
    example: { body: { name: 'shop-2', ...TENANT_VALUES }, answer: { ...EXAMPLE_TENANT, name: 'shop-2' } },
    async run({ body }, { changed }) {
      const made = await tenants.create(body);
      if (!made.ok) return made;
      const after = shownTenant(made.value.after);
      changed({ object: `tenant/${body.name}`, before: null, after });
      return reply(after, { etag: String(made.value.after.version), location: `/tenants/${body.name}` });
    },
  });
}

function replaceTenant(tenants: Tenants) {
  return adminOperation({
    ...{ ...TENANT_WRITE, id: 'tenants.replace', method: 'PUT', path: '/tenants/{tenant}', summary: 'Replace a tenant' },
    description: 'The caller must have the roles that are bound in the tenant in each namespace that it gets. Sessions of their users end.',
    params: TENANT_PARAMS,
    body: closed(TENANT_BODY),
    answer: schemas.TENANT,
    precondition: 'required',
    problems: EXCEEDED,
    example: { ...TENANT_EXAMPLE, body: TENANT_VALUES, answer: EXAMPLE_TENANT },
    async run({ params, body, ifMatch }, { caller, changed }) {
      const made = await tenants.replace(caller, { name: params.tenant, ...body }, ifMatch);
      if (!made.ok) return made;
      const { before, after } = made.value;
      changed({ object: `tenant/${params.tenant}`, before: before && shownTenant(before), after: shownTenant(after) });
      return reply(shownTenant(after), { etag: String(after.version) });
    },
  });
}

function deleteTenant(tenants: Tenants) {
  return adminOperation({
    ...{ ...TENANT_WRITE, ...GONE, id: 'tenants.delete', method: 'DELETE', path: '/tenants/{tenant}', summary: 'Delete a tenant' },
    description: 'The bindings in it must be deleted first.',
    params: TENANT_PARAMS,
    problems: { 409: ['tenant-in-use'] },
    example: TENANT_EXAMPLE,
    async run({ params }, { changed }) {
      const deleted = await tenants.delete(params.tenant);
      if (!deleted.ok) return deleted;
      changed({ object: `tenant/${params.tenant}`, before: shownTenant(deleted.value), after: null });
      return replyEmpty();
    },
  });
}
