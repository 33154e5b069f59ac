// The schemas of identity in the API: names, and how users, roles, bindings, tenants, sessions and tokens are shown.
import { Type } from '#lib/typebox.ts';
import type { TProperties, TSchema } from '#lib/typebox.ts';
import { PERMISSION_NAMES, type Permission } from '../api/permissions.ts';
import type { NamedBinding } from './bindings.ts';
import type { Role, Tenant } from './access-table.ts';
import type { NamedSession } from './sessions.ts';
import { MAX_TOKEN_DAYS, type OwnedToken } from './tokens.ts';
import type { User } from './user-table.ts';

/** A closed object. */
export function closed<T extends TProperties>(members: T) {
  return Type.Object(members, { additionalProperties: false });
}

/** The answer of an operation that answers without a body. */
export const NO_BODY = Type.Unsafe<undefined>({});

/** Text without control characters: a database refuses some, and terminals obey others. */
const TEXT = { pattern: '^[^\\u0000-\\u001f\\u007f]*$', '~must': 'text without control characters' };

/** One line of text. */
export function line(description: string, maxLength = 256) {
  return Type.String({ ...TEXT, maxLength, description });
}

export const USER_NAME = Type.String({
  ...{ minLength: 1, maxLength: 128, pattern: '^[a-z0-9][a-z0-9._@+-]*$', description: 'The name to log in with.' },
  '~must': 'small letters, digits and ._@+-, with a letter or digit first',
});
export const NAME = Type.String({
  ...{ minLength: 1, maxLength: 63, pattern: '^[a-z0-9][a-z0-9-]*$', description: 'Its name.' },
  '~must': 'small letters, digits and -, with a letter or digit first',
});
export const ID = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9-]+$', description: 'Its id.' });
/** Any text: it is hashed, and never shown. */
export const PASSWORD = Type.String({ minLength: 1, maxLength: 256, description: 'A password.' });
export const NAMESPACES = Type.Array(NAME, { maxItems: 1_000, uniqueItems: true, description: 'Namespaces.' });
export const PERMISSION_LIST = Type.Array(Type.Enum([...PERMISSION_NAMES] as Permission[]), {
  ...{ maxItems: PERMISSION_NAMES.length, uniqueItems: true, description: 'Permissions.' },
});

/** A value, or null. */
export function orNull<T extends TSchema>(schema: T, description: string) {
  return Type.Union([schema, Type.Null()], { description });
}

const TIME = Type.String({ description: 'A time by RFC 3339.' });
const MAYBE_TIME = orNull(Type.String(), 'A time by RFC 3339; null: never.');

export const USER = closed({
  id: ID,
  name: USER_NAME,
  displayName: line('The name for people.'),
  source: Type.Enum(['local', 'oidc'], { description: 'oidc: a provider of logins knows the user.' }),
  hasPassword: Type.Boolean({ description: 'Whether it can log in with a password.' }),
  mustChangePassword: Type.Boolean({ description: 'The user has no rights before it changes its password.' }),
  disabled: Type.Boolean({ description: 'Whether it may not log in, and its tokens are refused.' }),
  secondFactor: Type.Boolean({ description: 'Whether a login needs a code of TOTP.' }),
  groups: Type.Array(Type.String(), { description: 'The groups that the provider named at the last login.' }),
  created: TIME,
  lastLogin: MAYBE_TIME,
});

export const ROLE = closed({ name: NAME, description: line('What it is for.'), builtIn: Type.Boolean(), permissions: PERMISSION_LIST });

export const TENANT = closed({ name: NAME, description: line('What it is for.'), namespaces: NAMESPACES });

export const SUBJECT_KIND = Type.Enum(['user', 'group', 'serviceAccount'], { description: 'What the role is given to.' });
export const SUBJECT = line('The name of the user or group, or NAMESPACE/NAME of the ServiceAccount.', 317);
export const TENANT_SCOPE = orNull(NAME, 'The tenant in whose namespaces the role counts; null: no tenant.');
export const NAMESPACE_SCOPE = orNull(NAMESPACES, 'The namespaces in which the role counts; null without a tenant: everywhere.');

export const BINDING = closed({
  ...{ id: ID, subjectKind: SUBJECT_KIND, subject: SUBJECT, role: NAME, tenant: TENANT_SCOPE, namespaces: NAMESPACE_SCOPE },
  ...{ created: TIME, createdBy: Type.String({ description: 'The name of the caller that gave the role.' }) },
});

export const SESSION = closed({
  id: ID,
  user: Type.String({ description: 'The name of its user.' }),
  method: Type.Enum(['password', 'totp', 'recovery-code', 'oidc'], { description: 'How the user has logged in.' }),
  address: Type.String({ description: 'The address of the login.' }),
  userAgent: Type.String({ description: 'The program of the login.' }),
  created: TIME,
  lastUsed: Type.String({ description: 'The time of the last request, to a minute.' }),
  current: Type.Boolean({ description: 'Whether it is the session of this request.' }),
});

export const TOKEN = closed({
  id: ID,
  name: line('Its name.', 63),
  owner: Type.String({ description: 'The name of the user whose rights it has.' }),
  permissions: orNull(PERMISSION_LIST, 'The permissions that it is limited to; null: all of its owner.'),
  namespaces: orNull(NAMESPACES, 'The namespaces that it is limited to; null: all of its owner.'),
  ...{ created: TIME, createdBy: Type.String(), expires: TIME, lastUsed: MAYBE_TIME },
  lastAddress: Type.String({ description: 'The address of its last use.' }),
});

export const NEW_TOKEN = closed({
  name: Type.String({ ...TEXT, minLength: 1, maxLength: 63, description: 'Its name, for people.' }),
  days: Type.Integer({ minimum: 1, maximum: MAX_TOKEN_DAYS, description: 'The days after which it expires.' }),
  permissions: Type.Optional(PERMISSION_LIST),
  namespaces: Type.Optional(NAMESPACES),
});

export const MADE_TOKEN = closed({ token: TOKEN, secret: Type.String({ description: 'The token itself. It is not shown again.' }) });

export function shownUser(user: User) {
  const { id, name, displayName, source, password, mustChange, disabled, totpSecret, groups, created, lastLogin } = user;
  return {
    ...{ id, name, displayName, source, disabled, groups: [...groups] },
    ...{ hasPassword: password !== null, mustChangePassword: mustChange, secondFactor: totpSecret !== null },
    ...{ created: timeOf(created), lastLogin: maybeTime(lastLogin) },
  };
}

export function shownRole({ name, description, permissions, version }: Role) {
  return { name, description, builtIn: version === 0, permissions: [...permissions] };
}

export function shownTenant({ name, description, namespaces }: Tenant) {
  return { name, description, namespaces: [...namespaces] };
}

export function shownBinding({ id, subjectKind, subjectName, role, tenant, namespaces, created, createdBy }: NamedBinding) {
  const scope = { tenant, namespaces: namespaces === null ? null : [...namespaces] };
  return { id, subjectKind, subject: subjectName, role, ...scope, created: timeOf(created), createdBy };
}

/** `current`: the id of the session of the caller. */
export function shownSession({ session, userName }: NamedSession, current: string | null) {
  const { id, method, address, userAgent, created, lastUsed } = session;
  const times = { created: timeOf(created), lastUsed: timeOf(lastUsed) };
  return { id, user: userName, method, address, userAgent, ...times, current: id === current };
}

export function shownToken({ token, ownerName }: OwnedToken) {
  const { id, name, scope, created, createdBy, expires, lastUsed, lastAddress } = token;
  return {
    ...{ id, name, owner: ownerName, createdBy, lastAddress },
    permissions: scope.permissions === null ? null : [...scope.permissions],
    namespaces: scope.namespaces === null ? null : [...scope.namespaces],
    ...{ created: timeOf(created), expires: timeOf(expires), lastUsed: maybeTime(lastUsed) },
  };
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function maybeTime(milliseconds: number): string | null {
  return milliseconds === 0 ? null : timeOf(milliseconds);
}
