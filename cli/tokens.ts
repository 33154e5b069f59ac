// `weir tokens`: API tokens for programs.
import type { Answer } from '../client/admin-client.ts';
import { actionOf } from './actions.ts';
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { print } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import { listCell, tableFor, type Columns } from './admin-api/shown-rows.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printable } from './operations/table.ts';

const FLAGS = apiFlags(
  {
    user: { default: '', value: 'NAME', text: 'user of the tokens; by default the caller, and list --all has those of all users' },
    all: { default: 'false', value: '', text: 'list: the tokens of all users' },
    days: { default: '30', value: 'N', text: 'create: days until it expires' },
    permission: {
      default: '',
      value: 'AREA:VERB',
      text: 'create: permission that it is limited to; by default all of the user',
      multiple: true,
    },
    namespace: { default: '', value: 'NAME', text: 'create: namespace that it is limited to', short: 'n', multiple: true },
  },
  { changes: true },
);

export const tokens: Command = {
  name: 'tokens',
  arguments: 'list|create|revoke [NAME|ID]',
  summary: 'Lists, makes and revokes API tokens. A new token is shown once.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [act, rest] = actionOf('tokens', ACTIONS, run.words);
    const [word = '', ...more] = rest;
    if (more.length > 0 || (act === list) !== (word === '')) throw new UsageError('weir tokens takes: list, create NAME, or revoke ID');
    await act(run, word);
    return 0;
  },
};

type Action = (run: ApiRun, word: string) => Promise<void>;

const ACTIONS: Readonly<Record<string, Action>> = { list, create, revoke };

type Token = Answer<'users.createToken'>['token'];

const COLUMNS: Columns<Token> = {
  id: ({ id }) => id,
  name: ({ name }) => name,
  user: ({ owner }) => owner,
  permissions: ({ permissions }) => listCell(permissions),
  namespaces: ({ namespaces }) => listCell(namespaces),
  expires: ({ expires }) => expires,
  'last used': ({ lastUsed }) => lastUsed,
};

async function list({ target, values }: ApiRun): Promise<void> {
  const user = values.text('user');
  const { client } = target;
  const found = values.isOn('all')
    ? await client.call('tokens.list')
    : user === ''
      ? await client.call('account.listTokens')
      : await client.call('users.listTokens', { params: { user } });
  const { items } = valueOf(found, target).body;
  print(values, { items }, () => tableFor(COLUMNS, items, 'no tokens'));
}

async function create({ target, values }: ApiRun, name: string): Promise<void> {
  const [permissions, namespaces] = [values.list('permission'), values.list('namespace')];
  const user = values.text('user');
  // The server knows the permissions, and names those that it does not.
  const body = {
    ...{ name, days: values.count('days', 1) },
    ...(permissions.length === 0 ? {} : { permissions: permissions as Token['permissions'] & object }),
    ...(namespaces.length === 0 ? {} : { namespaces }),
  };
  const { client } = target;
  const result =
    user === '' ? await client.call('account.createToken', { body }) : await client.call('users.createToken', { params: { user }, body });
  const { body: made } = valueOf(result, target);
  print(values, made, () => printable(made.secret));
  if (values.text('output') === 'table')
    console.error(printable(`weir: token ${made.token.id} of ${made.token.owner}, until ${made.token.expires}; it is not shown again`));
}

/** By the operation for the own tokens if it is one, which needs no permission. */
async function revoke({ target, values }: ApiRun, token: string): Promise<void> {
  const { client } = target;
  const own = await client.call('account.revokeToken', { params: { token } });
  if (!own.ok) valueOf(await client.call('tokens.revoke', { params: { token } }), target);
  print(values, { token, revoked: true }, () => `token ${printable(token)} is revoked`);
}
