// The controller's own certificate for proxies, and the CA that theirs must be of: read again and again, from files for one, so that
// rotation needs no restart. A set that does not fit together, as in the midst of a rotation, leaves the former one in force.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { PeerCertificate } from 'node:tls';
import { experimental } from '@grpc/grpc-js';
import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '#lib/log.ts';
import { identityOf } from './identity.ts';

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** What the push server shows, and whose certificates it takes. PEM. */
export interface CertificateSet {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
}

/** Where they come from when not from files: asked again and again. Rejects when there are none. */
export interface CertificateSource {
  serverCertificate(): Promise<CertificateSet>;
  /** How often to ask, milliseconds. */
  readonly checkMs: number;
}

type Provider = experimental.CertificateProvider;
type CaListener = Parameters<Provider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<Provider['addIdentityCertificateListener']>[0];

/** How often the files are read, milliseconds. A kubelet takes about a minute to bring a changed Secret to a pod. */
const REFRESH_MS = 10_000;

export class Certificates implements Provider {
  readonly #source: CertificateSource;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  #loaded: CertificateSet;

  private constructor(source: CertificateSource, loaded: CertificateSet, log: Log) {
    this.#source = source;
    this.#loaded = loaded;
    this.#log = log;
    this.#timer = setInterval(() => void this.refresh(), source.checkMs).unref();
  }

  /** Rejects when there are none, or they do not fit together. */
  static async load(from: CertificateFiles | CertificateSource, log: Log): Promise<Certificates> {
    const source = 'checkMs' in from ? from : { serverCertificate: () => load(from), checkMs: REFRESH_MS };
    return new Certificates(source, await source.serverCertificate(), log);
  }

  /** For a server that refuses whoever shows no certificate of the CA. */
  credentials(): ServerCredentials {
    return experimental.createCertificateProviderServerCredentials(this, this, true);
  }

  /** For a call to another controller: both show the certificate of a controller, or nothing is said. */
  clientCredentials(): ChannelCredentials {
    const { ca, certificate, privateKey } = this.#loaded;
    const checkServerIdentity = (_: string, peer: PeerCertificate) => (this.isOwn(peer) ? undefined : new Error('it is no controller'));
    return credentials.createSsl(ca, privateKey, certificate, { checkServerIdentity });
  }

  /** Whether a certificate of the CA says that its holder is a controller: it has the identity of this one's own. */
  isOwn(peer: PeerCertificate): boolean {
    const [own, theirs] = [identityOf(new X509Certificate(this.#loaded.certificate).toLegacyObject()), identityOf(peer)];
    return own.ok && theirs.ok && own.value === theirs.value;
  }

  /** Asks now. New connections see what is found; open ones stay. */
  async refresh(): Promise<void> {
    try {
      const loaded = await this.#source.serverCertificate();
      if (isSame(loaded, this.#loaded)) return;
      this.#loaded = loaded;
      this.#log.info('certificates for proxies changed');
      for (const listener of this.#identityListeners) listener(loaded);
      for (const listener of this.#caListeners) listener({ caCertificate: loaded.ca });
    } catch (error) {
      this.#log.warn({ err: error }, 'certificates for proxies cannot be read; the former ones stay');
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    // The credentials take note of their own watchers only after this call.
    process.nextTick(() => listener({ caCertificate: this.#loaded.ca }));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => listener(this.#loaded));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }
}

async function load(files: CertificateFiles): Promise<CertificateSet> {
  const [ca, certificate, privateKey] = await Promise.all([readFile(files.ca), readFile(files.certificate), readFile(files.privateKey)]);
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) {
    throw new Error(`${files.privateKey} is not the key of ${files.certificate}`);
  }
  if (!new X509Certificate(ca).ca) throw new Error(`${files.ca} is not the certificate of a CA`);
  return { ca, certificate, privateKey };
}

function isSame(a: CertificateSet, b: CertificateSet): boolean {
  return a.ca.equals(b.ca) && a.certificate.equals(b.certificate) && a.privateKey.equals(b.privateKey);
}
