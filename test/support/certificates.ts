// Real certificates in a temporary folder: a CA, and what it signs.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files: who signed it, itself, its key. */
export interface IssuedFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export class TestCa {
  readonly folder: string;
  readonly certificate: string;
  readonly #key: string;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.certificate = path.join(folder, 'ca.crt');
    this.#key = path.join(folder, 'ca.key');
  }

  static async create(): Promise<TestCa> {
    const ca = new TestCa(await mkdtemp(path.join(tmpdir(), 'weir-ca-')));
    await ca.#openssl('req', '-x509', ...NEW_KEY, '-keyout', ca.#key, '-out', ca.certificate, '-days', '2', '-subj', '/CN=test ca');
    return ca;
  }

  /** `names` as openssl writes subjectAltName: `IP:127.0.0.1,URI:spiffe://a/b`. */
  async issue(commonName: string, names: string): Promise<IssuedFiles> {
    const base = path.join(this.folder, String(++this.#count));
    const [certificate, privateKey, request, extensions] = [`${base}.crt`, `${base}.key`, `${base}.csr`, `${base}.ext`];
    await writeFile(extensions, names === '' ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${names}\n`);
    await this.#openssl('req', ...NEW_KEY, '-keyout', privateKey, '-out', request, '-subj', commonName === '' ? '/' : `/CN=${commonName}`);
    const signer = ['-CA', this.certificate, '-CAkey', this.#key, '-CAcreateserial'];
    await this.#openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-extfile', extensions, '-out', certificate);
    return { ca: this.certificate, certificate, privateKey };
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #openssl(...options: string[]): Promise<void> {
    await run('openssl', options, { cwd: this.folder });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
