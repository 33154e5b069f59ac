// The CA that issues certificates of proxies, read again from its files as they rotate.
import { readFile } from 'node:fs/promises';
import { CertificateAuthority } from '#lib/certificate-authority.ts';
import type { Log } from '#lib/log.ts';

/** A source of the current CA. */
export interface AuthoritySource {
  /** Rejects if there is none. */
  current(): Promise<CertificateAuthority>;
}

export interface AuthorityFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Maximum age of the files' content, milliseconds. */
const FRESH_MS = 10_000;

export class AuthorityFile implements AuthoritySource {
  readonly #files: AuthorityFiles;
  readonly #log: Log;
  #read = '';
  #readAt = -Infinity;
  #authority: CertificateAuthority | null = null;

  constructor(files: AuthorityFiles, log: Log) {
    this.#files = files;
    this.#log = log;
  }

  /** If the files are not usable the previous CA stays in use; rejects if there is none. */
  async current(): Promise<CertificateAuthority> {
    if (this.#authority !== null && performance.now() - this.#readAt < FRESH_MS) return this.#authority;
    try {
      const [certificate, privateKey] = await Promise.all([
        readFile(this.#files.certificate, 'utf8'),
        readFile(this.#files.privateKey, 'utf8'),
      ]);
      const text = `${certificate}\n${privateKey}`;
      if (this.#authority === null || text !== this.#read) this.#authority = new CertificateAuthority(certificate, privateKey);
      this.#read = text;
    } catch (error) {
      if (this.#authority === null) throw error;
      this.#log.warn({ err: error }, 'cannot read the CA of the proxies; the previous one stays in use');
    }
    this.#readAt = performance.now();
    return this.#authority;
  }
}
