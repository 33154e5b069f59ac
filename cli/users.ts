// `weir users`: the users of the admin API.
import { readFileSync } from 'node:fs';
import type { FlagValues } from '#lib/flags.ts';
import type { Answer } from '../client/admin-client.ts';
import { actionOf } from './actions.ts';
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import type { ApiTarget } from './admin-api/api-target.ts';
import { allItems } from './admin-api/pages.ts';
import { print } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import { tableFor, type Columns } from './admin-api/shown-rows.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printable } from './operations/table.ts';

const FLAGS = apiFlags(
  {
    'display-name': { default: '', value: 'TEXT', text: 'create: the name for people' },
    role: { default: '', value: 'NAME', text: 'create: role to give', multiple: true },
    namespace: {
      default: '',
      value: 'NAME',
      text: 'create: namespace in which the roles count; everywhere by default',
      short: 'n',
      multiple: true,
    },
    'password-file': {
      default: '',
      value: 'FILE|-',
      text: 'create, set-password: file with the password; without it the server makes one, which is shown once',
    },
    'without-password': { default: 'false', value: '', text: 'create: a user for tokens, which cannot log in' },
  },
  { changes: true },
);

export const users: Command = {
  name: 'users',
  arguments: 'list|get|create|disable|enable|set-password|reset-totp|unblock|delete [NAME]',
  summary: 'Shows and changes the users of the admin API. A new user must change its password at the first login.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [act, rest] = actionOf('users', ACTIONS, run.words);
    const [name = '', ...more] = rest;
    const takesName = act !== list;
    if (more.length > 0 || takesName !== (name !== ''))
      throw new UsageError(`weir users ${run.words[0]} takes ${takesName ? 'one NAME' : 'no names'}`);
    await act(run, name);
    return 0;
  },
};

type Action = (run: ApiRun, name: string) => Promise<void>;

const ACTIONS: Readonly<Record<string, Action>> = {
  list,
  get: one,
  create,
  disable: (run, name) => setDisabled(run, name, true),
  enable: (run, name) => setDisabled(run, name, false),
  'set-password': setPassword,
  'reset-totp': resetTotp,
  unblock,
  delete: remove,
};

type User = Answer<'users.get'>['user'];

const COLUMNS: Columns<User> = {
  name: ({ name }) => name,
  'display name': ({ displayName }) => displayName,
  source: ({ source }) => source,
  state: ({ disabled, mustChangePassword }) => (disabled ? 'disabled' : mustChangePassword ? 'must change its password' : 'active'),
  totp: ({ secondFactor }) => (secondFactor ? 'on' : 'off'),
  'last login': ({ lastLogin }) => lastLogin,
};

async function list({ target, values }: ApiRun): Promise<void> {
  const items = await allItems(target, Infinity, (query) => target.client.call('users.list', { query }));
  print(values, { items }, () => tableFor(COLUMNS, items, 'no users'));
}

async function one({ target, values }: ApiRun, user: string): Promise<void> {
  const { body } = valueOf(await target.client.call('users.get', { params: { user } }), target);
  const bindings = await allItems(target, Infinity, () => target.client.call('bindings.list'));
  const own = bindings.filter(({ subjectKind, subject }) => subjectKind === 'user' && subject === user);
  print(values, { ...body, bindings: own }, () =>
    [
      tableFor(COLUMNS, [body.user], ''),
      ...own.map(({ role, tenant, namespaces }) => printable(`role ${role} ${scopeOf(tenant, namespaces)}`)),
      ...(body.blockedUntil === null ? [] : [printable(`cannot log in until ${body.blockedUntil}; weir users unblock ${user}`)]),
    ].join('\n'),
  );
}

function scopeOf(tenant: string | null, namespaces: readonly string[] | null): string {
  if (tenant !== null) return `in the tenant ${tenant}`;
  return namespaces === null ? 'everywhere' : `in ${namespaces.join(', ')}`;
}

async function create({ target, values }: ApiRun, name: string): Promise<void> {
  const displayName = values.text('display-name');
  const password = passwordIn(values);
  const body = {
    name,
    ...(displayName === '' ? {} : { displayName }),
    ...(password === null ? {} : { password }),
    ...(values.isOn('without-password') ? { withoutPassword: true } : {}),
  };
  const { body: made } = valueOf(await target.client.call('users.create', { body }), target);
  const roles = values.list('role');
  for (const role of roles) await bind(target, name, role, values.list('namespace'));
  print(values, made, () =>
    [
      `user ${name} is created${roles.length === 0 ? ', and has no role: weir roles bind ROLE NAME gives one' : ` with ${roles.join(', ')}`}`,
      ...(made.password === null ? [] : [`password (not shown again): ${printable(made.password)}`]),
    ].join('\n'),
  );
}

/** Gives a role. A role that cannot be given leaves the user without it, which the message says. */
async function bind(target: ApiTarget, subject: string, role: string, namespaces: readonly string[]): Promise<void> {
  const scope = namespaces.length === 0 ? {} : { namespaces };
  const bound = await target.client.call('bindings.create', { body: { subjectKind: 'user', subject, role, ...scope } });
  if (bound.ok) return;
  try {
    valueOf(bound, target);
  } catch (error) {
    throw new UsageError(
      `user ${subject} is created without the role ${role}: ${(error as Error).message}; its password is set by weir users set-password`,
    );
  }
}

/** Null: the server makes one. */
function passwordIn(values: FlagValues): string | null {
  const file = values.text('password-file');
  if (file === '') return null;
  const [line = ''] = readFileSync(file === '-' ? 0 : file, 'utf8').split(/\r?\n/);
  if (line === '') throw new UsageError('--password-file: the first line has no password');
  return line;
}

async function setDisabled({ target, values }: ApiRun, user: string, disabled: boolean): Promise<void> {
  const { client } = target;
  const { etag } = valueOf(await client.call('users.get', { params: { user } }), target);
  const { body } = valueOf(await client.call('users.update', { params: { user }, body: { disabled }, ifMatch: etag ?? '*' }), target);
  print(values, body, () => `user ${user} is ${disabled ? 'disabled' : 'enabled'}`);
}

async function setPassword({ target, values }: ApiRun, user: string): Promise<void> {
  const password = passwordIn(values);
  const body = password === null ? {} : { password };
  const { body: made } = valueOf(await target.client.call('users.setPassword', { params: { user }, body }), target);
  const text = `the password of ${user} is set, and must be changed at the next login`;
  print(values, made, () => (made.password === null ? text : `${text}\npassword (not shown again): ${printable(made.password)}`));
}

async function resetTotp({ target, values }: ApiRun, user: string): Promise<void> {
  valueOf(await target.client.call('users.resetTotp', { params: { user } }), target);
  print(values, { user, secondFactor: false }, () => `user ${user} has no second factor any more`);
}

async function unblock({ target, values }: ApiRun, user: string): Promise<void> {
  valueOf(await target.client.call('users.unblock', { params: { user } }), target);
  print(values, { user, blockedUntil: null }, () => `user ${user} may log in again`);
}

async function remove({ target, values }: ApiRun, user: string): Promise<void> {
  valueOf(await target.client.call('users.delete', { params: { user } }), target);
  print(values, { user, deleted: true }, () => `user ${user} is deleted, with its roles, sessions and tokens`);
}
