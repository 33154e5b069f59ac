// Operations about users, as others manage them.
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply, replyEmpty, type Area } from '../api/operation.ts';
import { PAGE, pageOf } from '../api/page.ts';
import { invalid } from '../api/problem.ts';
import { EXAMPLE_PASSWORD, EXAMPLE_USER } from './examples.ts';
import { closed, line, NO_BODY, PASSWORD, shownUser, USER, USER_NAME } from './schemas.ts';
import type { Users } from './users.ts';

const PARAMS = closed({ user: USER_NAME });
const EXAMPLE = { params: { user: 'ana' }, unknown: { user: 'nobody' } };
const MADE = { description: 'A random password, which is not shown again; null if one was given.' };
const RIGHTS = { 403: ['rights-exceeded'] };

export function userArea(users: Users): Area {
  return {
    name: 'users',
    summary: 'Users, their passwords and second factors.',
    operations: [...readers(users), ...writers(users), ...helpers(users)],
  };
}

function readers(users: Users) {
  const list = adminOperation({
    ...{ id: 'users.list', method: 'GET', path: '/users', tag: 'users', summary: 'List users by name', permission: 'users:read' },
    query: closed(PAGE),
    answer: pageOf(USER),
    example: { answer: { items: [EXAMPLE_USER], next: null } },
    async run({ query: { limit = 100, cursor } }) {
      const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString();
      // A database refuses some characters.
      if (!/^[a-z0-9._@+-]*$/.test(after)) return invalid([{ field: 'query.cursor', reason: 'is not the member next of a page' }]);
      const found = await users.list(after, limit + 1);
      if (!found.ok) return found;
      const items = found.value.slice(0, limit);
      const next = found.value.length > limit ? Buffer.from(items.at(-1)?.name ?? '').toString('base64url') : null;
      return reply({ items: items.map(shownUser), next });
    },
  });
  const get = adminOperation({
    ...{ id: 'users.get', method: 'GET', path: '/users/{user}', tag: 'users', summary: 'Read a user', permission: 'users:read' },
    params: PARAMS,
    answer: closed({
      user: USER,
      blockedUntil: Type.Union([Type.String(), Type.Null()], { description: 'The end of its wait after failed logins.' }),
    }),
    example: { ...EXAMPLE, answer: { user: EXAMPLE_USER, blockedUntil: null } },
    async run({ params }) {
      const found = await users.get(params.user);
      if (!found.ok) return found;
      const { user, blockedUntil } = found.value;
      const until = blockedUntil === 0 ? null : new Date(blockedUntil).toISOString();
      return reply({ user: shownUser(user), blockedUntil: until }, { etag: String(user.version) });
    },
  });
  return [list, get];
}

function writers(users: Users) {
  return [createUser(users), updateUser(users), deleteUser(users)];
}

function createUser(users: Users) {
  return adminOperation({
    ...{ id: 'users.create', method: 'POST', path: '/users', tag: 'users', summary: 'Add a user', permission: 'users:write', status: 201 },
    description: 'The user has no rights: bind a role to it. It must change its password at the first login.',
    body: closed({
      name: USER_NAME,
      displayName: Type.Optional(line('The name for people.')),
      password: Type.Optional(PASSWORD),
      withoutPassword: Type.Optional(Type.Boolean({ description: 'The user is for tokens, and cannot log in with a password.' })),
    }),
    answer: closed({ user: USER, password: Type.Union([Type.String(), Type.Null()], MADE) }),
    problems: { 409: ['user-exists'] },
    example: {
      body: { name: 'ben', displayName: 'Ben' },
      answer: {
        user: { ...EXAMPLE_USER, name: 'ben', displayName: 'Ben', mustChangePassword: true },
        password: '7k2m9qx-4tnd0w-8hfy3rc-p51zvb',
      },
    },
    async run({ body: { name, displayName = '', password = null, withoutPassword = false } }, context) {
      const created = await users.create({ name, displayName, password, withoutPassword });
      if (!created.ok) return created;
      const { user, password: made } = created.value;
      context.changed({ object: `user/${name}`, before: null, after: shownUser(user) });
      return reply({ user: shownUser(user), password: made || null }, { etag: String(user.version), location: `/users/${name}` });
    },
  });
}

function updateUser(users: Users) {
  return adminOperation({
    ...{ id: 'users.update', method: 'PATCH', path: '/users/{user}', tag: 'users', summary: 'Change a user', permission: 'users:write' },
    description: 'A user that is disabled loses its sessions, and its tokens are refused.',
    params: PARAMS,
    body: closed({ displayName: Type.Optional(line('The name for people.')), disabled: Type.Optional(Type.Boolean()) }),
    answer: USER,
    precondition: 'required',
    problems: { ...RIGHTS, 409: ['last-admin'] },
    example: { ...EXAMPLE, body: { displayName: 'Ana B.' }, answer: { ...EXAMPLE_USER, displayName: 'Ana B.' } },
    async run({ params, body, ifMatch }, context) {
      const changed = await users.update(context.caller, params.user, ifMatch, body);
      if (!changed.ok) return changed;
      const { before, after } = changed.value;
      context.changed({ object: `user/${params.user}`, before: shownUser(before), after: shownUser(after) });
      return reply(shownUser(after), { etag: String(after.version) });
    },
  });
}

function deleteUser(users: Users) {
  return adminOperation({
    ...{ id: 'users.delete', method: 'DELETE', path: '/users/{user}', tag: 'users', summary: 'Delete a user', permission: 'users:write' },
    ...{ description: 'Its bindings, sessions and tokens are deleted too.', status: 204, params: PARAMS, answer: NO_BODY },
    problems: { ...RIGHTS, 409: ['last-admin'] },
    example: EXAMPLE,
    async run({ params }, context) {
      const deleted = await users.delete(context.caller, params.user);
      if (!deleted.ok) return deleted;
      context.changed({ object: `user/${params.user}`, before: shownUser(deleted.value), after: null });
      return replyEmpty();
    },
  });
}

const REMOVAL = {
  tag: 'users',
  method: 'DELETE',
  permission: 'users:write',
  status: 204,
  params: PARAMS,
  answer: NO_BODY,
} as const;

function helpers(users: Users) {
  return [setPassword(users), resetTotp(users), unblock(users)];
}

function setPassword(users: Users) {
  return adminOperation({
    ...{ id: 'users.setPassword', method: 'PUT', path: '/users/{user}/password', tag: 'users', permission: 'users:write' },
    summary: 'Set the password of a user',
    description: 'The user must change it at the next login. Its sessions end.',
    params: PARAMS,
    body: closed({ password: Type.Optional(PASSWORD) }),
    answer: closed({ password: Type.Union([Type.String(), Type.Null()], MADE) }),
    problems: RIGHTS,
    example: { ...EXAMPLE, body: { password: EXAMPLE_PASSWORD }, answer: { password: null } },
    async run({ params, body: { password = null } }, context) {
      const changed = await users.setPassword(context.caller, params.user, password);
      if (!changed.ok) return changed;
      const { before, after, password: made } = changed.value;
      context.changed({ object: `user/${params.user}`, before: shownUser(before), after: { ...shownUser(after), password: 'changed' } });
      return reply({ password: made || null });
    },
  });
}

function resetTotp(users: Users) {
  return adminOperation({
    ...{ ...REMOVAL, id: 'users.resetTotp', path: '/users/{user}/totp', summary: 'Remove the second factor of a user' },
    description: 'For a user that has lost it and its recovery codes. Its sessions end.',
    problems: RIGHTS,
    example: EXAMPLE,
    async run({ params }, context) {
      const changed = await users.resetTotp(context.caller, params.user);
      if (!changed.ok) return changed;
      const { before, after } = changed.value;
      context.changed({ object: `user/${params.user}`, before: shownUser(before), after: shownUser(after) });
      return replyEmpty();
    },
  });
}

function unblock(users: Users) {
  return adminOperation({
    ...{ ...REMOVAL, id: 'users.unblock', path: '/users/{user}/block', summary: 'End the wait of a user after failed logins' },
    problems: RIGHTS,
    example: EXAMPLE,
    async run({ params }, context) {
      const changed = await users.unblock(context.caller, params.user);
      if (!changed.ok) return changed;
      context.changed({ object: `user/${params.user}`, before: { blocked: true }, after: { blocked: false } });
      return replyEmpty();
    },
  });
}
