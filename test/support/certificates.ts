// Real certificates in a temporary folder: a CA and the certificates that it signs.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type * as ir from '#api/ir/ir.ts';

const run = promisify(execFile);

/** Paths of PEM files: the CA, the certificate, its key. */
export interface IssuedFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** Deviations from a normal certificate. */
export interface IssueOptions {
  /** As openssl writes subjectAltName: `IP:127.0.0.1,URI:spiffe://a/b`; '' for none. */
  readonly names?: string;
  /** More lines for the section of extensions, such as `extendedKeyUsage=clientAuth`. */
  readonly extensions?: readonly string[];
  /** Valid from and until, in hours from now; an hour ago and in two days by default. */
  readonly hours?: readonly [number, number];
  /** Of the key; EC by default. */
  readonly key?: 'ec' | 'rsa';
}

/** The Secret (key) that proxies get a certificate in. */
export function secretOf(key: string, { certificate, privateKey }: Pick<IssuedFiles, 'certificate' | 'privateKey'>): ir.Secret {
  return { kind: 'Secret', key, certificate: readFileSync(certificate, 'utf8'), privateKey: readFileSync(privateKey, 'utf8') };
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

  /** In a new folder below `parent`. */
  static async create(parent = tmpdir()): Promise<TestCa> {
    const ca = new TestCa(await mkdtemp(path.join(parent, 'weir-ca-')));
    await ca.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      ca.#key,
      '-out',
      ca.certificate,
      '-days',
      '2',
      '-subj',
      '/CN=test ca',
      ...CA_USAGE,
    );
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

  /** A certificate with a record in `index.txt` of the folder. */
  async issueAs(commonName: string, { names = '', extensions = [], hours = [-1, 48], key = 'ec' }: IssueOptions): Promise<IssuedFiles> {
    const base = path.join(this.folder, String(++this.#count));
    const [certificate, privateKey, request, extfile] = [`${base}.crt`, `${base}.key`, `${base}.csr`, `${base}.ext`];
    const lines = [...(names === '' ? [] : [`subjectAltName=${names}`]), ...extensions];
    await writeFile(extfile, `${lines.length === 0 ? 'basicConstraints=CA:FALSE' : lines.join('\n')}\n`);
    await writeFile(path.join(this.folder, 'ca.cnf'), CA_CONFIG);
    await writeFile(path.join(this.folder, 'index.txt'), '', { flag: 'a' });
    const newKey = key === 'rsa' ? ['-newkey', 'rsa:2048', '-nodes'] : NEW_KEY;
    await this.#openssl('req', ...newKey, '-keyout', privateKey, '-out', request, '-subj', `/CN=${commonName}`);
    const signer = ['-config', 'ca.cnf', '-cert', this.certificate, '-keyfile', this.#key, '-batch', '-notext'];
    const dates = ['-startdate', timestamp(hours[0]), '-enddate', timestamp(hours[1])];
    await this.#openssl('ca', ...signer, ...dates, '-in', request, '-extfile', extfile, '-out', certificate);
    return { ca: this.certificate, certificate, privateKey };
  }

  /** A revocation list of these certificates, PEM; valid for so many hours. */
  async revocationList(revoked: readonly IssuedFiles[], hours = 24): Promise<string> {
    const list = path.join(this.folder, `${++this.#count}.crl`);
    await writeFile(path.join(this.folder, 'ca.cnf'), CA_CONFIG);
    // Each list has a database of its own.
    await Promise.all(['index.txt', 'index.txt.attr'].map((name) => writeFile(path.join(this.folder, name), '')));
    const signer = ['-config', 'ca.cnf', '-cert', this.certificate, '-keyfile', this.#key];
    for (const { certificate } of revoked) await this.#openssl('ca', ...signer, '-revoke', certificate);
    const dates = ['-crl_lastupdate', timestamp(hours - 48), '-crl_nextupdate', timestamp(hours)];
    await this.#openssl('ca', ...signer, '-gencrl', ...dates, '-out', list);
    return readFileSync(list, 'utf8');
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #openssl(...options: string[]): Promise<void> {
    await run('openssl', options, { cwd: this.folder });
  }
}

const CA_USAGE = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];

/** 20261124203000Z */
function timestamp(hours: number): string {
  return `${new Date(Date.now() + hours * 3_600_000).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
}

/** The configuration of `openssl ca`; its index is the database of `openssl ocsp`. */
const CA_CONFIG = `
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
`;

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
