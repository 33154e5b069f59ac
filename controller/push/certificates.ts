// The controller's certificate for proxies, and the CA of the proxies' certificates. Both are read again periodically, so that rotation
// needs no restart. If the files do not match, as during a rotation, the previous ones stay in use.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { PeerCertificate } from 'node:tls';
import { experimental } from '@grpc/grpc-js';
import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '#lib/log.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { identityOf } from './identity.ts';

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** Certificate and key of the push server, and the CA of its clients. PEM. */
export interface CertificateSet {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
}

/** A source of certificates other than files, called periodically. Rejects if there are none. */
export interface CertificateSource {
  serverCertificate(): Promise<CertificateSet>;
  /** Interval between two calls, milliseconds. */
  readonly checkMs: number;
}

type Provider = experimental.CertificateProvider;
type CaListener = Parameters<Provider['addCaCertificateListener']>[0];
type IdentityListener = Parameters<Provider['addIdentityCertificateListener']>[0];

/** Interval between two reads of the files, milliseconds. A kubelet needs about a minute to update a Secret in a pod. */
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

  /** Rejects if there are no certificates, or they do not match. */
  static async load(from: CertificateFiles | CertificateSource, log: Log): Promise<Certificates> {
    const source = 'checkMs' in from ? from : { serverCertificate: () => load(from), checkMs: REFRESH_MS };
    return new Certificates(source, await source.serverCertificate(), log);
  }

  /** Credentials of a server that refuses clients without a certificate of the CA. */
  credentials(): ServerCredentials {
    return experimental.createCertificateProviderServerCredentials(this, this, true);
  }

  /** Credentials for a call to another controller. Both sides must show the certificate of a controller. */
  clientCredentials(): ChannelCredentials {
    const { ca, certificate, privateKey } = this.#loaded;
    const checkServerIdentity = (_: string, peer: PeerCertificate) =>
      this.isOwn(peer) ? undefined : new Error('the server is not a controller');
    return credentials.createSsl(ca, privateKey, certificate, { checkServerIdentity });
  }

  /** Whether the holder of a certificate of the CA is a controller: it then has the same identity as this controller. */
  isOwn(peer: PeerCertificate): boolean {
    const [own, theirs] = [identityOf(new X509Certificate(this.#loaded.certificate).toLegacyObject()), identityOf(peer)];
    return own.ok && theirs.ok && own.value === theirs.value;
  }

  /** Reads the certificates now. New connections use the result; open connections stay. */
  async refresh(): Promise<void> {
    try {
      const loaded = await this.#source.serverCertificate();
      if (isSame(loaded, this.#loaded)) return;
      this.#loaded = loaded;
      this.#log.info('certificates for proxies changed');
      for (const listener of this.#identityListeners) listener(loaded);
      for (const listener of this.#caListeners) listener({ caCertificate: loaded.ca });
    } catch (error) {
      this.#log.warn({ err: error }, 'cannot read the certificates for proxies; the previous ones stay in use');
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    // grpc-js registers the watcher only after this call returns.
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
  const own = parsed(files.certificate, 'certificate', () => new X509Certificate(certificate));
  if (!own.checkPrivateKey(parsed(files.privateKey, 'private key', () => createPrivateKey(privateKey)))) {
    throw new Error(`${files.privateKey} is not the key of ${files.certificate}`);
  }
  if (!parsed(files.ca, 'certificate', () => new X509Certificate(ca)).ca) throw new Error(`${files.ca} is not the certificate of a CA`);
  return { ca, certificate, privateKey };
}

function parsed<Value>(file: string, what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch {
    throw new Error(`${file} holds no ${what} in PEM`);
  }
}

/** What keeps the files from being used; null for nothing. */
export async function problemOf(files: CertificateFiles): Promise<string | null> {
  try {
    await load(files);
    return null;
  } catch (error) {
    return isSystemError(error) ? describeSystemError(error) : (error as Error).message;
  }
}

function isSame(a: CertificateSet, b: CertificateSet): boolean {
  return a.ca.equals(b.ca) && a.certificate.equals(b.certificate) && a.privateKey.equals(b.privateKey);
}
