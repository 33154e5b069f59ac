// `weir login`: makes a context with a session or a token for an admin API.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { flagsOf, FlagValues, type FlagGroup } from '#lib/flags.ts';
import { AdminClient, type Answer } from '../client/admin-client.ts';
import { SessionCredentials, tokenCredentials } from '../client/credentials.ts';
import { API_FLAGS, apiEnvironment, DEFAULT_URL, tokenIn } from './admin-api/api-target.ts';
import { contextFile, contextNamed, readContexts, writeContexts, type Context, type Contexts } from './admin-api/context-file.ts';
import { problemText, valueOf } from './admin-api/problem-text.ts';
import { ask, askSecret, canAsk } from './admin-api/prompt.ts';
import { originOf, senderFor } from './admin-api/trust.ts';
import { printable } from './operations/table.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      context: { default: '', value: 'NAME', text: 'name of the context, or WEIR_CONTEXT; by default the host of the URL' },
      user: { default: '', value: 'NAME', text: 'user; without it the terminal asks' },
      'password-file': {
        default: '',
        value: 'FILE|-',
        text: 'file with the password; -: the standard input; without it the terminal asks',
      },
      'new-password-file': { default: '', value: 'FILE', text: 'file with another password, for a user that must change its own' },
      code: { default: '', value: 'CODE', text: 'code of the second factor, or a recovery code; the terminal asks if one is needed' },
      'token-file': { default: '', value: 'FILE|-', text: 'file with an API token instead of a user; -: the standard input' },
      'ca-file': API_FLAGS['ca-file'],
      namespace: { default: '', value: 'NAME', text: 'namespace of objects without one, from now on', short: 'n' },
      timeout: API_FLAGS.timeout,
    },
  },
];

export const login: Command = {
  name: 'login',
  arguments: '[URL]',
  summary: `Logs in at an admin API, by default ${DEFAULT_URL}, and keeps the credentials in a context, which becomes the current one.`,
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const { WEIR_SERVER: _, WEIR_TOKEN_FILE: __, ...environment } = apiEnvironment();
    const values = new FlagValues(args, flagsOf(FLAGS), environment, true);
    if (values.positionals.length > 1) throw new UsageError('weir login takes one URL');
    const file = contextFile();
    const former = readContexts(file);
    const { name, context } = placeOf(values, former);
    const hasToken = values.text('token-file') !== '';
    const made = hasToken ? await withToken(values, context) : await withPassword(values, context);
    writeContexts(file, { ...former, currentContext: name, contexts: { ...former.contexts, [name]: made.context } });
    console.log(`logged in at ${context.url} as ${printable(made.caller)}; the context ${name} is in use`);
    if (made.note !== '') console.log(made.note);
    return 0;
  },
};

/** The context to make, without credentials: what the flags say, or else the former one of that name. */
function placeOf(values: FlagValues, contexts: Contexts): { readonly name: string; readonly context: Context } {
  const [url] = values.positionals;
  const given = values.text('context') || (url === undefined ? (contexts.currentContext ?? '') : '');
  const former = contextNamed(contexts, given) ?? { url: DEFAULT_URL };
  const origin = originOf(url ?? former.url);
  const caFile = values.text('ca-file');
  const context = {
    ...settingsOf(former, origin),
    ...(caFile === '' ? {} : { caFile: path.resolve(caFile) }),
    ...(values.isSet('namespace') ? { namespace: values.text('namespace') } : {}),
  };
  return { name: given || new URL(origin).host, context };
}

/** A user of another server is another one. */
function settingsOf({ url, user, session: _, token: __, ...settings }: Context, origin: string): Context {
  return { ...settings, url: origin, ...(url === origin && user !== undefined ? { user } : {}) };
}

interface LoggedIn {
  readonly context: Context;
  readonly caller: string;
  /** A note for the user; '' without one. */
  readonly note: string;
}

async function withToken(values: FlagValues, context: Context): Promise<LoggedIn> {
  const { user: _, ...rest } = context;
  const token = tokenIn(values.text('token-file'));
  const client = clientOf(values, context, tokenCredentials(token));
  const hide = (text: string) => text.replaceAll(token, '[redacted]');
  const result = await client.call('account.get');
  if (!result.ok && result.error.status === 401) throw new UsageError(problemText({ ...result.error, status: 403 }, { hide, name: null }));
  const { name } = valueOf(result, { hide, name: null }).body;
  return { context: { ...rest, token }, caller: name, note: '' };
}

function clientOf(values: FlagValues, { url, caFile = '' }: Context, credentials: ReturnType<typeof tokenCredentials>): AdminClient {
  return new AdminClient({ url, credentials, send: senderFor(caFile), timeout: values.time('timeout') });
}

async function withPassword(values: FlagValues, context: Context): Promise<LoggedIn> {
  const user = values.text('user') || context.user || (await ask('User', '--user NAME'));
  const password = await passwordOf(values, user);
  const session = new SessionCredentials(context.url);
  const client = clientOf(values, context, session);
  const begun = await begin(values, client, { user, password });
  session.setCsrfToken(begun.csrfToken);
  const note = begun.user.mustChangePassword ? await changed(values, client, session, password) : '';
  return { context: { ...context, user, session: session.session }, caller: begun.user.name, note };
}

async function passwordOf(values: FlagValues, user: string): Promise<string> {
  const file = values.text('password-file');
  return file === '' ? askSecret(`Password of ${printable(user)}`, '--password-file FILE, or - for the standard input') : passwordIn(file);
}

/** The first line of a file. */
function passwordIn(file: string): string {
  const [line = ''] = readFileSync(file === '-' ? 0 : file, 'utf8').split(/\r?\n/);
  if (line === '') throw new UsageError(`${file === '-' ? 'the standard input' : file} has no password in its first line`);
  return line;
}

interface Proof {
  readonly user: string;
  readonly password: string;
}

/** Logs in, and asks for the code of the second factor if the server wants one. */
async function begin(values: FlagValues, client: AdminClient, proof: Proof): Promise<Answer<'account.login'>> {
  const hide = (text: string) => text.replaceAll(proof.password, '[redacted]');
  const given = values.text('code');
  const first = await client.call('account.login', { body: { ...proof, ...(given === '' ? {} : { code: given }) } });
  if (first.ok || first.error.code !== 'second-factor-needed' || !canAsk()) return valueOf(first, { hide, name: null }).body;
  const code = (await ask('Code of the second factor', '--code CODE')).replaceAll(' ', '').toLowerCase();
  return valueOf(await client.call('account.login', { body: { ...proof, code } }), { hide, name: null }).body;
}

/** Changes a password that the user must change. Returns what is left to do. */
async function changed(values: FlagValues, client: AdminClient, session: SessionCredentials, current: string): Promise<string> {
  const file = values.text('new-password-file');
  if (file === '' && !canAsk()) return 'the password must be changed before anything else: weir login --new-password-file FILE';
  const password = file === '' ? await askTwice() : passwordIn(file);
  const hide = (text: string) => text.replaceAll(current, '[redacted]').replaceAll(password, '[redacted]');
  const { csrfToken } = valueOf(await client.call('account.changePassword', { body: { current, password } }), { hide, name: null }).body;
  session.setCsrfToken(csrfToken);
  return 'the password is changed';
}

async function askTwice(): Promise<string> {
  console.error('the password must be changed');
  const password = await askSecret('New password', '--new-password-file FILE');
  if ((await askSecret('New password again', '--new-password-file FILE')) !== password)
    throw new UsageError('the two passwords differ; log in again');
  return password;
}
