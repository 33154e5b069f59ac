// The file with contexts: where admin APIs are, and the credentials for them. Only its owner may read it.
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { fits } from '#lib/json-schema.ts';
import { Type, type Static } from '#lib/typebox.ts';
import { UsageError } from '../command.ts';

const CLOSED = { additionalProperties: false };

const CONTEXT = Type.Object(
  {
    url: Type.String({ description: 'The origin of the API.' }),
    caFile: Type.Optional(Type.String({ description: 'The CA of its certificate, PEM.' })),
    namespace: Type.Optional(Type.String({ description: 'The namespace of objects without one.' })),
    user: Type.Optional(Type.String({ description: 'The name of the last login.' })),
    session: Type.Optional(Type.Object({ cookie: Type.String(), csrfToken: Type.String() }, CLOSED)),
    token: Type.Optional(Type.String({ description: 'An API token.' })),
  },
  CLOSED,
);
const CONTEXTS = Type.Object(
  { currentContext: Type.Optional(Type.String()), contexts: Type.Record(Type.String(), CONTEXT) },
  { ...CLOSED, required: ['contexts'] },
);

/** A server, and the credentials for it. */
export type Context = Static<typeof CONTEXT>;
/** The content of the file. */
export type Contexts = Static<typeof CONTEXTS>;

/** The file of this user: WEIR_CONFIG, or ~/.config/weir/config.yaml. */
export function contextFile(environment: NodeJS.ProcessEnv = process.env): string {
  const { WEIR_CONFIG, XDG_CONFIG_HOME } = environment;
  if (WEIR_CONFIG !== undefined && WEIR_CONFIG !== '') return WEIR_CONFIG;
  const folder = XDG_CONFIG_HOME !== undefined && XDG_CONFIG_HOME !== '' ? XDG_CONFIG_HOME : path.join(os.homedir(), '.config');
  return path.join(folder, 'weir', 'config.yaml');
}

/** The contexts in a file; none if it does not exist. Throws a UsageError for a wrong file, and for credentials that others may read. */
export function readContexts(file: string): Contexts {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} };
    throw error;
  }
  const contexts = contentOf(file, text);
  const hasCredentials = Object.values(contexts.contexts).some(({ session, token }) => session !== undefined || token !== undefined);
  const mode = statSync(file).mode & 0o777;
  if (hasCredentials && (mode & 0o077) !== 0)
    throw new UsageError(`${file} has credentials, and others may read it (mode ${mode.toString(8)}): chmod 600 ${file}`);
  return contexts;
}

/** The errors of the parser would quote the text, which may have credentials. */
function contentOf(file: string, text: string): Contexts {
  const document = parseDocument(text, { logLevel: 'silent' });
  if (document.errors.length > 0) throw new UsageError(`${file} is no YAML; mend it, or delete it and log in again`);
  const content: unknown = document.toJS() ?? { contexts: {} };
  if (fits(CONTEXTS, content)) return content;
  throw new UsageError(`${file} has not the form of a file of contexts; mend it, or delete it and log in again`);
}

/** The context of this name; null without one. */
export function contextNamed({ contexts }: Pick<Contexts, 'contexts'>, name: string): Context | null {
  return Object.hasOwn(contexts, name) ? (contexts[name] ?? null) : null;
}

/** Replaces the file as a whole. */
export function writeContexts(file: string, contexts: Contexts): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, stringify(contexts), { mode: 0o600 });
  // The mask of the process decides over the mode of new files.
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}

/** Changes one context. */
export function changeContext(file: string, name: string, change: (context: Context | undefined) => Context | undefined): void {
  const { contexts, ...rest } = readContexts(file);
  const { [name]: former, ...others } = contexts;
  const next = change(former);
  writeContexts(file, { ...rest, contexts: next === undefined ? others : { ...others, [name]: next } });
}
