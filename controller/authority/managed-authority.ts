// The CA of controllers and proxies, and the certificates of both and of the admin program, if Weir creates them itself. They are in Secrets of the controllers'
// namespace. Any controller renews them; no leader is needed.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { CertificateAuthority, CertificateHolder, IssuedCertificate } from '#lib/certificate-authority.ts';
import type { Log } from '#lib/log.ts';
import { ADMIN_IDENTITY, SHARED_IDENTITY } from '../compile/fleet-identity.ts';
import type { ApiClient } from '../watch/api-client.ts';
import { ManagedSecret } from './managed-secret.ts';
import type { SecretData } from './managed-secret.ts';
import { advance, authorityOf } from './rotation.ts';

export interface ManagedAuthorityOptions {
  readonly client: ApiClient;
  /** Namespace of the Secrets. */
  readonly namespace: string;
  /** The Secret with the CA. */
  readonly authoritySecret: string;
  /** The Secret for the shared proxies; '' if there are none. */
  readonly proxySecret: string;
  /** The Secret for the admin program; '' if there is none. */
  readonly adminSecret: string;
  /** The host to which proxies connect. */
  readonly host: string;
  /** Lifetime of certificates, milliseconds. They are renewed when a third of it is left. */
  readonly lifetime: number;
  /** Lifetime of a CA, milliseconds. At least six times `lifetime`, so that no certificate outlives its CA. */
  readonly authorityLifetime: number;
  /** Called when the CA or the trusted CAs have changed. */
  readonly changed: () => void;
  readonly log: Log;
}

/** Certificate and key of a push server, and the CAs it trusts, PEM. */
export interface ServerCertificate {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
}

/** Maximum age of what was read from the Secrets, milliseconds; less for certificates that live for minutes. */
const CHECK_MS = 10_000;
const RETRY = { minimum: 200, maximum: 10_000 };

/** The holder of a certificate in a Secret. */
interface Client {
  readonly commonName: string;
  readonly holder: CertificateHolder;
  /** The holder in the log. */
  readonly name: string;
}

const SHARED_PROXIES: Client = { commonName: 'weir-proxy', holder: { kind: 'client', uri: SHARED_IDENTITY }, name: 'the shared proxies' };
const ADMIN: Client = { commonName: 'weir-admin', holder: { kind: 'client', uri: ADMIN_IDENTITY }, name: 'the admin program' };

export class ManagedAuthority {
  readonly #options: ManagedAuthorityOptions;
  readonly #authoritySecret: ManagedSecret;
  /** The Secrets with certificates of clients. */
  readonly #clientSecrets: readonly { readonly secret: ManagedSecret; readonly client: Client }[];
  readonly #stop = new AbortController();
  readonly #known = Promise.withResolvers<void>();
  readonly #backoff = new Backoff(RETRY);
  #authority: CertificateAuthority | null = null;
  #server: IssuedCertificate | null = null;
  #trouble = 'the CA of the proxies has not been read yet';
  #running: Promise<void> = Promise.resolve();

  constructor(options: ManagedAuthorityOptions) {
    const { client, namespace, authoritySecret, proxySecret, adminSecret } = options;
    this.#options = options;
    this.#authoritySecret = new ManagedSecret(client, namespace, authoritySecret);
    const named = [
      { name: proxySecret, client: SHARED_PROXIES },
      { name: adminSecret, client: ADMIN },
    ].filter(({ name }) => name !== '');
    this.#clientSecrets = named.map((each) => ({ secret: new ManagedSecret(client, namespace, each.name), client: each.client }));
  }

  /** Resolves once there is a CA, or `stop` was called. While the Secrets cannot be read it waits, and `trouble` gives the reason. */
  start(): Promise<void> {
    this.#running = this.#run();
    return this.#known.promise;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#known.resolve();
    await this.#running;
  }

  /** Why certificates cannot be renewed; '' if they can. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Interval at which to call `serverCertificate`, milliseconds. */
  get checkMs(): number {
    return Math.min(CHECK_MS, Math.ceil(this.#options.lifetime / 10));
  }

  /** The CA as last read. Rejects before there is one. */
  current(): Promise<CertificateAuthority> {
    return this.#authority === null ? Promise.reject(new Error(this.#trouble)) : Promise.resolve(this.#authority);
  }

  /** The certificate of this controller, issued again when it is due. Rejects before there is a CA. */
  async serverCertificate(): Promise<ServerCertificate> {
    const authority = await this.current();
    const holder: CertificateHolder = { kind: 'server', host: this.#options.host };
    const now = Date.now();
    if (this.#server === null || !authority.vouchesFor(this.#server.certificate, holder, this.#renewal(now))) {
      this.#server = authority.issue({ commonName: 'weir-controller', holder, now, lifetime: this.#options.lifetime });
    }
    const { certificate, privateKey } = this.#server;
    return { ca: Buffer.from(authority.bundle), certificate: Buffer.from(certificate), privateKey: Buffer.from(privateKey) };
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const wait = (await this.#check()) ? this.checkMs : this.#backoff.next();
      await delay(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #check(): Promise<boolean> {
    try {
      const authority = await this.#bringAuthority();
      for (const { secret, client } of this.#clientSecrets) await secret.bring((data) => this.#forClient(client, data, authority));
      this.#trouble = '';
      this.#backoff.reset();
      return true;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#trouble)
        this.#options.log.warn({ reason: message }, 'cannot renew the certificates of controllers and proxies');
      this.#trouble = message;
      return false;
    }
  }

  async #bringAuthority(): Promise<CertificateAuthority> {
    const { authorityLifetime: lifetime, log, changed } = this.#options;
    const data = await this.#authoritySecret.bring((found) => advance(found, { now: Date.now(), lifetime }));
    const authority = authorityOf(data);
    const before = this.#authority;
    if (before?.certificate === authority.certificate && before.bundle === authority.bundle) return before;
    this.#authority = authority;
    log.info({ until: new Date(authority.notAfter).toISOString() }, before === null ? 'the CA of the proxies is read' : 'the CA changed');
    this.#known.resolve();
    changed();
    return authority;
  }

  #forClient({ commonName, holder, name }: Client, data: SecretData, authority: CertificateAuthority): SecretData {
    const now = Date.now();
    const { 'ca.crt': bundle, 'tls.crt': certificate = '', 'tls.key': privateKey = '' } = data;
    const isFresh = bundle === authority.bundle && authority.vouchesFor(certificate, holder, this.#renewal(now));
    if (isFresh && privateKey !== '') return data;
    const { lifetime, log } = this.#options;
    const issued = authority.issue({ commonName, holder, now, lifetime });
    log.info(`issued a certificate to ${name}`);
    return { 'ca.crt': authority.bundle, 'tls.crt': issued.certificate, 'tls.key': issued.privateKey };
  }

  #renewal(now: number): number {
    return now + this.#options.lifetime / 3;
  }
}
