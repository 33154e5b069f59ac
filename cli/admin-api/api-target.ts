// The admin API that a command talks to: by a context, or by flags and environment variables.
import { readFileSync } from 'node:fs';
import type { Flags, FlagValues } from '#lib/flags.ts';
import { AdminClient } from '../../client/admin-client.ts';
import { NO_CREDENTIALS, SessionCredentials, tokenCredentials, type Credentials, type Session } from '../../client/credentials.ts';
import { UsageError } from '../command.ts';
import { changeContext, contextFile, contextNamed, readContexts, type Context } from './context-file.ts';
import { originOf, senderFor } from './trust.ts';

/** Where `weir up` serves the API by default. */
export const DEFAULT_URL = 'http://127.0.0.1:15080';

/** The flags of every command that talks to the admin API. */
export const API_FLAGS = {
  context: { default: '', value: 'NAME', text: 'context to use, or WEIR_CONTEXT; by default the current one. See weir context' },
  server: {
    default: '',
    value: 'URL',
    text: 'admin API to use instead of a context, or WEIR_SERVER; the credentials of contexts are not sent there',
  },
  'ca-file': { default: '', value: 'FILE', text: "CA of the server's certificate, PEM, or WEIR_CA_FILE; the machine's CAs by default" },
  'token-file': {
    default: '',
    value: 'FILE',
    text: 'file with an API token instead of the credentials of the context, or WEIR_TOKEN_FILE; -: the standard input; WEIR_TOKEN has the token itself',
  },
  timeout: { default: '30s', value: 'TIME', text: 'longest time of a call' },
} satisfies Flags;

/** The flag of commands that change something. */
export const REASON_FLAG: Flags = {
  reason: { default: '', value: 'TEXT', text: 'why, for the audit log' },
};

/** The variables that the flags may come from. Others, such as WEIR_OUTPUT, belong to no command here. */
export function apiEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const names = ['WEIR_CONTEXT', 'WEIR_SERVER', 'WEIR_CA_FILE', 'WEIR_TOKEN_FILE'];
  return Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}

/** An API, and a client of it. */
export interface ApiTarget {
  readonly client: AdminClient;
  /** The name of the context; null: the flags name the server. */
  readonly name: string | null;
  /** The namespace of objects without one. */
  readonly namespace: string;
  /** The text without the credentials that were sent: a server may repeat them. */
  hide(text: string): string;
}

/** The API that the flags choose. Throws a UsageError if there is none. */
export function apiTargetOf(values: FlagValues, environment: NodeJS.ProcessEnv = process.env): ApiTarget {
  const file = contextFile(environment);
  const { name, context } = chosen(values, file);
  const url = originOf(context.url);
  const credentials = credentialsOf(context, url, tokenOf(values, environment), (session) => {
    if (name !== null) changeContext(file, name, (former) => (former === undefined ? undefined : { ...former, session }));
  });
  const caFile = values.text('ca-file') || (context.caFile ?? '');
  const reason = values.text('reason');
  const client = new AdminClient({ url, send: senderFor(caFile), timeout: values.time('timeout'), credentials: credentials.used, reason });
  const hide = (text: string) => credentials.secrets.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text);
  return { client, name, namespace: context.namespace ?? 'default', hide };
}

interface Chosen {
  readonly name: string | null;
  readonly context: Context;
}

function chosen(values: FlagValues, file: string): Chosen {
  const url = values.text('server');
  if (url !== '') return { name: null, context: { url } };
  const contexts = readContexts(file);
  const name = values.text('context') || (contexts.currentContext ?? '');
  const context = contextNamed(contexts, name);
  if (context !== null) return { name, context };
  if (name === '') throw new UsageError('there is no context: log in with weir login, or give --server URL with WEIR_TOKEN');
  throw new UsageError(`no context ${JSON.stringify(name)} in ${file}; weir context list has all, weir login --context ${name} makes it`);
}

/** '' without a token. */
function tokenOf(values: FlagValues, { WEIR_TOKEN = '' }: NodeJS.ProcessEnv): string {
  const file = values.text('token-file');
  return file === '' ? WEIR_TOKEN : tokenIn(file);
}

/** The token in a file; -: the standard input. Throws a UsageError if it is none. */
export function tokenIn(file: string): string {
  const token = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`${file === '-' ? 'the standard input' : file} has no token: one line of text`);
  return token;
}

interface Used {
  readonly used: Credentials;
  readonly secrets: readonly string[];
}

/** `keep` stores a session that an answer has changed. */
function credentialsOf({ session, token }: Context, url: string, given: string, keep: (session: Session) => void): Used {
  const used = given || (token ?? '');
  if (used !== '') return { used: tokenCredentials(used), secrets: [used] };
  if (session === undefined) return { used: NO_CREDENTIALS, secrets: [] };
  const credentials = new KeptSession(url, session, keep);
  const secret = session.cookie.slice(session.cookie.indexOf('=') + 1);
  return { used: credentials, secrets: [secret, session.csrfToken].filter((text) => text !== '') };
}

/** A session that is stored again when an answer changes its secret. */
class KeptSession extends SessionCredentials {
  readonly #keep: (session: Session) => void;

  constructor(url: string, session: Session, keep: (session: Session) => void) {
    super(url, session);
    this.#keep = keep;
  }

  override answered(headers: Headers): void {
    const { cookie } = this.session;
    super.answered(headers);
    if (this.session.cookie !== cookie) this.#keep(this.session);
  }
}
