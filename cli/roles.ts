// `weir roles`: the roles of the admin API, and to whom they are given.
import type { Answer, Input } from '../client/admin-client.ts';
import { actionOf } from './actions.ts';
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { allItems } from './admin-api/pages.ts';
import { print } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import { listCell, tableFor, type Columns } from './admin-api/shown-rows.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printable } from './operations/table.ts';

const SUBJECTS = ['user', 'group', 'serviceAccount'] as const;

const FLAGS = apiFlags(
  {
    permission: { default: '', value: 'AREA:VERB', text: 'create: permission of the role; weir roles permissions has all', multiple: true },
    description: { default: '', value: 'TEXT', text: 'create: what the role is for' },
    kind: { default: 'user', value: 'user|group|serviceAccount', text: 'bind: what SUBJECT names', words: SUBJECTS },
    tenant: { default: '', value: 'NAME', text: 'bind: tenant in whose namespaces the role counts' },
    namespace: {
      default: '',
      value: 'NAME',
      text: 'bind: namespace in which the role counts; everywhere by default',
      short: 'n',
      multiple: true,
    },
  },
  { changes: true },
);

export const roles: Command = {
  name: 'roles',
  arguments: 'list|get|create|delete|permissions|bindings|bind|unbind [NAME [SUBJECT]]',
  summary:
    'Shows and changes roles, which are sets of permissions, and gives them to users, groups and ServiceAccounts: bind ROLE SUBJECT, unbind ID.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [action, rest] = actionOf('roles', ACTIONS, run.words);
    if (rest.length !== action.words.length)
      throw new UsageError(`weir roles ${run.words[0]} takes ${action.words.length === 0 ? 'no names' : action.words.join(' and ')}`);
    await action.act(run, rest[0] ?? '', rest[1] ?? '');
    return 0;
  },
};

interface Action {
  /** The words that it takes. */
  readonly words: readonly string[];
  readonly act: (run: ApiRun, name: string, subject: string) => Promise<void>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { words: [], act: list },
  get: { words: ['NAME'], act: one },
  create: { words: ['NAME'], act: create },
  delete: { words: ['NAME'], act: remove },
  permissions: { words: [], act: permissions },
  bindings: { words: [], act: bindings },
  bind: { words: ['ROLE', 'SUBJECT'], act: bind },
  unbind: { words: ['ID'], act: unbind },
};

type Role = Answer<'roles.get'>;

const ROLES: Columns<Role> = {
  name: ({ name }) => name,
  'built in': ({ builtIn }) => String(builtIn),
  permissions: ({ permissions: all }) => String(all.length),
  description: ({ description }) => description,
};

async function list({ target, values }: ApiRun): Promise<void> {
  const items = await allItems(target, Infinity, () => target.client.call('roles.list'));
  print(values, { items }, () => tableFor(ROLES, items, 'no roles'));
}

async function one({ target, values }: ApiRun, role: string): Promise<void> {
  const { body } = valueOf(await target.client.call('roles.get', { params: { role } }), target);
  print(values, body, () =>
    [printable(`${body.name}: ${body.description}`), ...body.permissions.map((each) => `  ${printable(each)}`)].join('\n'),
  );
}

async function create({ target, values }: ApiRun, name: string): Promise<void> {
  // The server knows the permissions, and names those that it does not.
  const given = values.list('permission') as Input<'roles.create'>['body']['permissions'];
  const body = { name, description: values.text('description'), permissions: given };
  const { body: made } = valueOf(await target.client.call('roles.create', { body }), target);
  print(values, made, () => `role ${name} is created, with ${given.length} permissions`);
}

async function remove({ target, values }: ApiRun, role: string): Promise<void> {
  valueOf(await target.client.call('roles.delete', { params: { role } }), target);
  print(values, { role, deleted: true }, () => `role ${role} is deleted`);
}

async function permissions({ target, values }: ApiRun): Promise<void> {
  const { body } = valueOf(await target.client.call('permissions.list'), target);
  const columns: Columns<(typeof body.items)[number]> = { name: ({ name }) => name, description: ({ description }) => description };
  print(values, body, () => tableFor(columns, body.items, 'no permissions'));
}

type Binding = Answer<'bindings.get'>;

const BINDINGS: Columns<Binding> = {
  id: ({ id }) => id,
  role: ({ role }) => role,
  kind: ({ subjectKind }) => subjectKind,
  subject: ({ subject }) => subject,
  where: ({ tenant, namespaces }) => (tenant === null ? listCell(namespaces) : `tenant ${tenant}`),
  by: ({ createdBy }) => createdBy,
  since: ({ created }) => created,
};

async function bindings({ target, values }: ApiRun): Promise<void> {
  const items = await allItems(target, Infinity, () => target.client.call('bindings.list'));
  print(values, { items }, () => tableFor(BINDINGS, items, 'no role is given'));
}

async function bind({ target, values }: ApiRun, role: string, subject: string): Promise<void> {
  const [tenant, namespaces] = [values.text('tenant'), values.list('namespace')];
  const body = {
    ...{ subjectKind: values.word('kind', SUBJECTS), subject, role },
    ...(tenant === '' ? {} : { tenant }),
    ...(namespaces.length === 0 ? {} : { namespaces }),
  };
  const { body: made } = valueOf(await target.client.call('bindings.create', { body }), target);
  print(values, made, () => printable(`${made.subjectKind} ${made.subject} has the role ${made.role} (${made.id})`));
}

async function unbind({ target, values }: ApiRun, binding: string): Promise<void> {
  valueOf(await target.client.call('bindings.delete', { params: { binding } }), target);
  print(values, { binding, deleted: true }, () => `the binding ${printable(binding)} is deleted`);
}
