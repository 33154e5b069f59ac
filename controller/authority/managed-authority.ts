// The CA by which controllers and proxies know each other, and the certificates of both, where Weir makes them itself: kept in Secrets of
// the controllers' namespace and renewed by whichever controller looks first. Nobody has to lead for that.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import type { CertificateAuthority, CertificateHolder, IssuedCertificate } from '#lib/certificate-authority.ts';
import type { Log } from '#lib/log.ts';
import { SHARED_IDENTITY } from '../compile/fleet-identity.ts';
import type { ApiClient } from '../watch/api-client.ts';
import { ManagedSecret } from './managed-secret.ts';
import type { SecretData } from './managed-secret.ts';
import { advance, authorityOf } from './rotation.ts';

export interface ManagedAuthorityOptions {
  readonly client: ApiClient;
  /** Of the Secrets. */
  readonly namespace: string;
  /** The Secret with the CA. */
  readonly authoritySecret: string;
  /** The Secret for the proxies that Gateways share; '' where there are none. */
  readonly proxySecret: string;
  /** The host that proxies connect to. */
  readonly host: string;
  /** Of certificates, milliseconds. They are renewed when a third of it is left. */
  readonly lifetime: number;
  /** Of a CA, milliseconds; at least six times the other, so that no certificate is cut short by the end of its CA. */
  readonly authorityLifetime: number;
  /** Told when the CA or what is trusted has changed. */
  readonly changed: () => void;
  readonly log: Log;
}

/** What a push server shows and whom it trusts, PEM. */
export interface ServerCertificate {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
}

/** How old may be what is known of the Secrets, milliseconds; less for certificates that live for minutes. */
const CHECK_MS = 10_000;
const RETRY = { minimum: 200, maximum: 10_000 };
const SHARED_PROXIES: CertificateHolder = { kind: 'client', uri: SHARED_IDENTITY };

export class ManagedAuthority {
  readonly #options: ManagedAuthorityOptions;
  readonly #authoritySecret: ManagedSecret;
  readonly #proxySecret: ManagedSecret | null;
  readonly #stop = new AbortController();
  readonly #known = Promise.withResolvers<void>();
  readonly #backoff = new Backoff(RETRY);
  #authority: CertificateAuthority | null = null;
  #server: IssuedCertificate | null = null;
  #trouble = 'the CA of the proxies has not been read yet';
  #running: Promise<void> = Promise.resolve();

  constructor(options: ManagedAuthorityOptions) {
    const { client, namespace, authoritySecret, proxySecret } = options;
    this.#options = options;
    this.#authoritySecret = new ManagedSecret(client, namespace, authoritySecret);
    this.#proxySecret = proxySecret === '' ? null : new ManagedSecret(client, namespace, proxySecret);
  }

  /** Resolves once there is a CA, or `stop` was called: as long as the Secrets cannot be read it waits, and `trouble` says why. */
  start(): Promise<void> {
    this.#running = this.#run();
    return this.#known.promise;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#known.resolve();
    await this.#running;
  }

  /** Why certificates cannot be kept; '' when they are. */
  get trouble(): string {
    return this.#trouble;
  }

  /** How often to ask for the server's certificate, milliseconds. */
  get checkMs(): number {
    return Math.min(CHECK_MS, Math.ceil(this.#options.lifetime / 10));
  }

  /** The CA as last read. Rejects before there is one. */
  current(): Promise<CertificateAuthority> {
    return this.#authority === null ? Promise.reject(new Error(this.#trouble)) : Promise.resolve(this.#authority);
  }

  /** This controller's own certificate, made anew when it is due. Rejects before there is a CA. */
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
      await this.#proxySecret?.bring((data) => this.#forProxies(data, authority));
      this.#trouble = '';
      this.#backoff.reset();
      return true;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#trouble) this.#options.log.warn({ reason: message }, 'certificates of controllers and proxies cannot be kept');
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

  #forProxies(data: SecretData, authority: CertificateAuthority): SecretData {
    const now = Date.now();
    const { 'ca.crt': bundle, 'tls.crt': certificate = '', 'tls.key': privateKey = '' } = data;
    const isFresh = bundle === authority.bundle && authority.vouchesFor(certificate, SHARED_PROXIES, this.#renewal(now));
    if (isFresh && privateKey !== '') return data;
    const { lifetime, log } = this.#options;
    const issued = authority.issue({ commonName: 'weir-proxy', holder: SHARED_PROXIES, now, lifetime });
    log.info('a certificate is issued to the proxies that Gateways share');
    return { 'ca.crt': authority.bundle, 'tls.crt': issued.certificate, 'tls.key': issued.privateKey };
  }

  #renewal(now: number): number {
    return now + this.#options.lifetime / 3;
  }
}
