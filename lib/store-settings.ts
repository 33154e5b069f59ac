// The flags of a SQL store: a file, a database, or none. Passwords come from a file or a variable: other users of a machine can see flags.
import { readFile } from 'node:fs/promises';
import { Mistake } from './flags.ts';
import type { Flags, FlagValues } from './flags.ts';

/** Which store a program uses. */
export type StoreSettings =
  | { readonly kind: 'off' }
  /** A file of SQLite. */
  | { readonly kind: 'sqlite'; readonly file: string }
  /** `url`: without a password. `password`: read anew for each connection, since it may change; it rejects if it cannot be read. */
  | { readonly kind: 'postgres'; readonly url: string; readonly password: () => Promise<string> };

/** The largest value of --max-registered-endpoints: all of them are in memory. */
export const MAX_REGISTERED = 20_000;

/** The flags, with a description of the file that is the default. */
export function storeFlags(file: string): Flags {
  return {
    store: {
      default: '',
      value: 'FILE|URL|off',
      text: `store of what is registered by hand: a file, postgres://USER@HOST/DATABASE, or off; by default ${file}`,
      see: 'store.md',
    },
    'store-password-file': { default: '', value: 'FILE', text: 'file with the password for the URL in --store; PGPASSWORD by default' },
    'max-registered-endpoints': { default: '1000', value: 'N', text: 'how many endpoints can be registered by hand for one Backend' },
  };
}

/** The store that the flags choose. `file`: the default. */
export function readStore(values: FlagValues, environment: NodeJS.ProcessEnv, file: string): StoreSettings {
  return readStoreOf(values, environment, { flag: 'store', file });
}

/** The store that `--FLAG` and `--FLAG-password-file` choose. `file`: the default. */
export function readStoreOf(
  values: FlagValues,
  environment: NodeJS.ProcessEnv,
  { flag, file }: { readonly flag: string; readonly file: string },
): StoreSettings {
  const text = values.text(flag);
  if (text === 'off') return { kind: 'off' };
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'sqlite', file: text === '' ? file : text };
  checkUrl(text, flag);
  const passwordFile = values.text(`${flag}-password-file`);
  const variable = environment['PGPASSWORD'] ?? '';
  const password = async (): Promise<string> => (passwordFile === '' ? variable : firstLine(await readFile(passwordFile, 'utf8')));
  return { kind: 'postgres', url: text, password };
}

/** The messages do not repeat the URL: it may have a password. */
function checkUrl(text: string, flag: string): void {
  const url = URL.parse(text);
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol) || url.hostname === '' || url.pathname.length < 2) {
    throw new Mistake(`--${flag}: the URL is not of the form postgres://USER@HOST:PORT/DATABASE`);
  }
  if (url.password !== '' || url.searchParams.has('password')) {
    throw new Mistake(`--${flag}: the URL has a password, which others can see; write the password to a file for --${flag}-password-file`);
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}
