// The CA that certificates of proxies are issued by: read from files again and again, as they rotate.
import { readFile } from 'node:fs/promises';
import { CertificateAuthority } from '#lib/certificate-authority.ts';
import type { Log } from '#lib/log.ts';

/** Who signs now. */
export interface AuthoritySource {
  /** Rejects while there is none. */
  current(): Promise<CertificateAuthority>;
}

export interface AuthorityFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** How old what was read may be, milliseconds. */
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

  /** Files that cannot be used leave the former CA in force; rejects where there was none. */
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
      this.#log.warn({ err: error }, 'the CA of the proxies cannot be read; the former one stays');
    }
    this.#readAt = performance.now();
    return this.#authority;
  }
}
