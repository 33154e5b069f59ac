// The keys of sessions of a proxy without a cluster: in a file, so that sessions outlive a restart.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SecretData } from './managed-secret.ts';
import type { KeptSessionKeys } from './session-key-source.ts';

export class SessionKeyFile implements KeptSessionKeys {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Rejects if the file cannot be read or written. Content that is not JSON counts as none. */
  async bring(decide: (data: SecretData) => SecretData): Promise<SecretData> {
    const data = parse(await readIfPresent(this.#file));
    const desired = decide(data);
    if (desired !== data) await this.#write(desired);
    return desired;
  }

  /** Whole or not at all: a rename replaces the file. */
  async #write(data: SecretData): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const draft = `${this.#file}.${process.pid}`;
    await writeFile(draft, `${JSON.stringify(data, null, 2)}\n`, { mode: 0o600 });
    await rename(draft, this.#file);
  }
}

async function readIfPresent(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function parse(text: string): SecretData {
  try {
    const value = JSON.parse(text) as unknown;
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return {};
  }
}
