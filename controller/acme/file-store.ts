// Certificates of `weir up` in a folder of files, one per Secret. They reach compile as Secrets.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KubernetesObject } from '#api/k8s/object.ts';
import type { CertificateStore, SecretWrite, StoredSecret } from './certificate-store.ts';

/** The content of a file. */
interface Kept {
  readonly type: SecretWrite['type'];
  readonly entries: SecretWrite['entries'];
}

export class FileStore implements CertificateStore {
  readonly #folder: string;
  #changed: (secret: KubernetesObject) => void = () => undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  follow(changed: (secret: KubernetesObject) => void): void {
    this.#changed = changed;
  }

  async read(key: string): Promise<StoredSecret | null> {
    const kept = await this.#load(key);
    return kept === null ? null : { entries: kept.entries, version: null };
  }

  /** Whole or not at all: a rename replaces the file. No other program writes it. */
  async write({ key, type, entries }: SecretWrite): Promise<StoredSecret> {
    const file = this.#fileOf(key);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${process.pid}`;
    await writeFile(draft, `${JSON.stringify({ type, entries }, null, 2)}\n`, { mode: 0o600 });
    await rename(draft, file);
    this.#report(key, { type, entries });
    return { entries, version: null };
  }

  ownerOf(): Promise<null> {
    return Promise.resolve(null);
  }

  async recall(key: string): Promise<void> {
    const kept = await this.#load(key);
    if (kept !== null) this.#report(key, kept);
  }

  #report(key: string, { type, entries: stringData }: Kept): void {
    const [namespace = '', name = ''] = key.split('/');
    if (type === 'kubernetes.io/tls')
      this.#changed({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type, stringData } as KubernetesObject);
  }

  async #load(key: string): Promise<Kept | null> {
    try {
      return JSON.parse(await readFile(this.#fileOf(key), 'utf8')) as Kept;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** Names of Kubernetes hold no '/' and do not begin with a dot. */
  #fileOf(key: string): string {
    const [namespace = '', name = ''] = key.split('/');
    return path.join(this.#folder, namespace, `${name}.json`);
  }
}
