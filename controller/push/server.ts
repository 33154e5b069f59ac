// The gRPC server for proxies: makes a Session of each stream. mTLS, or plain text on loopback.
import { isIP } from 'node:net';
import { credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type {
  ChannelCredentials,
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { DISCOVERY } from '#api/wire/discovery.ts';
import { MAX_MESSAGE_BYTES } from '#api/wire/limits.ts';
import type { ProxyMessage, PushMessage } from '#api/wire/messages.ts';
import { MAX_CALLS } from '#api/wire/operator-limits.ts';
import { RELAY } from '#api/wire/relay.ts';
import type { LinkedStream, SessionEvent } from '#api/wire/relay.ts';
import { Faults } from '#lib/faults.ts';
import { Mistake } from '#lib/flags.ts';
import type { Log } from '#lib/log.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { ADMIN_IDENTITY, scopeOfIdentity } from '../compile/fleet-identity.ts';
import type { PushCache } from './cache.ts';
import { Certificates } from './certificates.ts';
import type { CertificateFiles, CertificateSource } from './certificates.ts';
import { identityOf } from './identity.ts';
import type { PushObserver, SessionState } from './observer.ts';
import { SESSION_LIMITS, Session } from './session.ts';
import type { SessionError, SessionLimits } from './session.ts';

/** Milliseconds. HTTP/2 pings tell a dead connection from an idle one. */
export interface Keepalive {
  readonly every: number;
  readonly timeout: number;
}

/** A proxy whose certificate is known. */
export interface AdmittedProxy {
  /** Null without TLS. */
  readonly identity: string | null;
  /** The resources that it may read. */
  readonly scope: string;
  /** `host:port` of its end of the connection. */
  readonly address: string;
}

/** The end of a call that the server needs to know its caller. */
export type Call = Pick<Stream, 'getAuthContext' | 'getPeer'>;

/** Another gRPC service on the same port. Its calls ask `admit` about the proxy; the error is the reason to deny the call. */
export interface ProxyService {
  readonly definition: ServiceDefinition;
  readonly handlers: (admit: (call: Call) => Result<AdmittedProxy>) => UntypedServiceImplementation;
}

/** A gRPC service for the admin program. Its calls ask `admit`; the error is the reason to deny the call. */
export interface AdminService {
  readonly definition: ServiceDefinition;
  readonly handlers: (admit: (call: Call) => Result<void>) => UntypedServiceImplementation;
}

export interface PushServerOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** 'plaintext' has no authentication: for a proxy in the same pod and for tests. It is refused on any address but loopback. */
  readonly tls: CertificateFiles | CertificateSource | 'plaintext';
  /** The push cache of a scope. */
  readonly cacheOf: (scope: string) => PushCache;
  readonly observer: PushObserver;
  /** Handles the streams of other controllers; if absent, they are refused. */
  readonly reports?: (stream: ServerReadableStream<SessionEvent, object>, end: sendUnaryData<object>) => void;
  /** Handles the links of other controllers; if absent, they are refused. */
  readonly links?: (stream: LinkedStream) => void;
  /** Further services for proxies. */
  readonly services?: readonly ProxyService[];
  /** The service for the admin program; if absent, there is none. */
  readonly admin?: AdminService;
  readonly log: Log;
  readonly limits?: SessionLimits;
  readonly keepalive?: Keepalive;
  /** Called with the bytes of resources in every push, for metrics. */
  readonly pushed?: (bytes: number) => void;
  /** Called with every ack, for metrics. */
  readonly acked?: () => void;
  /** If absent, bugs are logged but not counted. */
  readonly faults?: Faults;
}

type Stream = ServerDuplexStream<ProxyMessage, PushMessage>;

const KEEPALIVE: Keepalive = { every: 10_000, timeout: 5_000 };
/** How long a peer may take to send its hello and inventory, milliseconds. */
const GREETING_MS = 30_000;
const MAX_SESSIONS = 10_000;
/** How long proxies may take to end their streams when the server stops, milliseconds. */
const STOP_MS = 1_000;

const CODES: Readonly<Record<SessionError['code'], status>> = {
  invalid: status.INVALID_ARGUMENT,
  denied: status.PERMISSION_DENIED,
  exhausted: status.RESOURCE_EXHAUSTED,
  bug: status.INTERNAL,
};

export class PushServer {
  readonly #options: PushServerOptions;
  readonly #server: Server;
  readonly #sessions = new Map<Stream, Session>();
  readonly #faults: Faults;
  #certificates: Certificates | null = null;
  #count = 0;

  constructor(options: PushServerOptions) {
    const { every, timeout } = options.keepalive ?? KEEPALIVE;
    this.#options = options;
    this.#faults = options.faults ?? new Faults(options.log);
    this.#server = new Server({
      'grpc.keepalive_time_ms': every,
      'grpc.keepalive_timeout_ms': timeout,
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': -1,
      // A proxy has two, the admin program one for each call.
      'grpc.max_concurrent_streams': MAX_CALLS,
    });
    this.#server.addService(DISCOVERY, { Subscribe: (stream: Stream) => this.#accept(stream) });
    for (const { definition, handlers } of options.services ?? []) {
      this.#server.addService(
        definition,
        handlers((call) => this.#admit(call)),
      );
    }
    const { admin } = options;
    if (admin !== undefined)
      this.#server.addService(
        admin.definition,
        admin.handlers((call) => this.#admitAdmin(call)),
      );
    this.#addRelay();
  }

  /** Binds and resolves to the port. Rejects if it cannot bind, or the certificates are not usable. */
  async start(): Promise<number> {
    const credentials = await this.#credentials();
    const { address } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new Mistake(`--push-address ${address}: ${error.message}`));
    });
    return promise;
  }

  /** Credentials for a call to another controller. Only valid after `start`. */
  clientCredentials(): ChannelCredentials {
    return this.#certificates?.clientCredentials() ?? credentials.createInsecure();
  }

  /** The state of every stream. */
  sessions(): readonly SessionState[] {
    return [...this.#sessions.values()].map((session) => session.state());
  }

  /** Reads the certificate files now instead of at the next interval. */
  async refreshCertificates(): Promise<void> {
    await this.#certificates?.refresh();
  }

  /** Ends every stream; proxies keep serving and connect to another controller. */
  async stop(): Promise<void> {
    this.#certificates?.stop();
    for (const stream of this.#sessions.keys()) this.#end(stream, status.UNAVAILABLE, 'the controller stops');
    const { promise, resolve } = Promise.withResolvers<void>();
    // Proxies get time to receive the reason; then their streams are cut.
    const deadline = setTimeout(() => this.#server.forceShutdown(), STOP_MS);
    this.#server.tryShutdown(() => resolve());
    await promise;
    clearTimeout(deadline);
  }

  async #credentials(): Promise<ServerCredentials> {
    const { address, tls, log } = this.#options;
    if (tls !== 'plaintext') {
      this.#certificates = await Certificates.load(tls, log);
      return this.#certificates.credentials();
    }
    if (!isLoopback(address)) throw new Error(`${address} is not a loopback address: plain text is allowed on loopback only`);
    return ServerCredentials.createInsecure();
  }

  #addRelay(): void {
    const { reports, links } = this.#options;
    if (reports === undefined) return;
    const denied = { code: status.PERMISSION_DENIED, details: 'the client certificate is not that of a controller' };
    const Report = (stream: ServerReadableStream<SessionEvent, object>, end: sendUnaryData<object>): void => {
      if (this.#isController(stream)) reports(stream, end);
      else end(denied);
    };
    const Link = (stream: LinkedStream): void => {
      stream.on('error', () => undefined);
      if (links !== undefined && this.#isController(stream)) links(stream);
      else stream.emit('error', denied);
    };
    this.#server.addService(RELAY, { Report, Link });
  }

  #isController(call: Call): boolean {
    const { tls, log } = this.#options;
    const certificate = call.getAuthContext().sslPeerCertificate;
    const isOwn = tls === 'plaintext' || (certificate !== undefined && this.#certificates?.isOwn(certificate) === true);
    if (!isOwn) log.warn({ address: call.getPeer() }, 'a report is refused: the client certificate is not that of a controller');
    return isOwn;
  }

  #accept(stream: Stream): void {
    stream.on('error', () => undefined);
    const admitted = this.#admit(stream);
    if (!admitted.ok) return this.#refuse(stream, { code: 'denied', message: admitted.error });
    if (this.#sessions.size >= MAX_SESSIONS) return this.#refuse(stream, { code: 'exhausted', message: 'too many proxies' });
    const session = this.#open(stream, admitted.value);
    // The proxy sees that it is connected, long before the first push.
    stream.sendMetadata(new Metadata());
    const greeting = setTimeout(() => {
      if (session.state().phase === 'greeting') this.#refuse(stream, { code: 'invalid', message: 'no hello and inventory in time' });
    }, GREETING_MS);
    const close = (): void => {
      clearTimeout(greeting);
      this.#close(stream);
    };
    stream.on('data', (message: ProxyMessage) => this.#receive(stream, session, message));
    stream.on('cancelled', close);
    stream.on('close', close);
    stream.on('end', () => this.#end(stream, status.OK, ''));
  }

  #receive(stream: Stream, session: Session, message: ProxyMessage): void {
    try {
      const taken = session.receive(message);
      if (!taken.ok) this.#refuse(stream, taken.error);
      else if (message.message === 'ack') this.#options.acked?.();
    } catch (error) {
      this.#failed(stream, error);
    }
  }

  /** A bug in one session ends its stream only. */
  #failed(stream: Stream, error: unknown): void {
    this.#faults.report('session', error, { address: stream.getPeer() });
    this.#refuse(stream, { code: 'bug', message: 'a bug in the controller' });
  }

  #open(stream: Stream, { identity, scope, address }: AdmittedProxy): Session {
    const { cacheOf, observer, limits = SESSION_LIMITS } = this.#options;
    const id = `proxy-${++this.#count}`;
    const send = (push: PushMessage): void => {
      this.#options.pushed?.(push.changed.reduce((bytes, { body }) => bytes + body.length, 0));
      stream.write(push);
    };
    const failed = (error: unknown): void => this.#failed(stream, error);
    const session = new Session({ id, identity, scope, address, cacheOf, observer, limits, send, failed });
    this.#sessions.set(stream, session);
    this.#options.log.info({ session: id, identity, scope, address }, 'proxy connected');
    return session;
  }

  #admit(call: Call): Result<AdmittedProxy> {
    const identity = this.#identify(call);
    if (!identity.ok) return identity;
    const scope = scopeOfIdentity(identity.value);
    return scope.ok ? ok({ identity: identity.value, scope: scope.value, address: call.getPeer() }) : scope;
  }

  /** Only by its certificate: without TLS each process of the machine could pass for it. */
  #admitAdmin(call: Call): Result<void> {
    const identity = this.#identify(call);
    if (!identity.ok) return identity;
    return identity.value === ADMIN_IDENTITY ? ok(undefined) : err(`the client certificate is not that of ${ADMIN_IDENTITY}`);
  }

  #identify(call: Call): Result<string | null> {
    if (this.#options.tls === 'plaintext') return ok(null);
    const certificate = call.getAuthContext().sslPeerCertificate;
    return certificate === undefined ? err('no certificate') : identityOf(certificate);
  }

  #refuse(stream: Stream, { code, message }: SessionError): void {
    this.#options.log.warn({ address: stream.getPeer(), code, reason: message }, 'proxy refused');
    this.#end(stream, CODES[code], message);
  }

  #end(stream: Stream, code: status, details: string): void {
    this.#close(stream);
    if (code === status.OK) stream.end();
    else stream.emit('error', { code, details });
  }

  #close(stream: Stream): void {
    const session = this.#sessions.get(stream);
    if (session === undefined) return;
    this.#sessions.delete(stream);
    session.close();
    this.#options.log.info({ session: session.state().id }, 'proxy disconnected');
  }
}

/** `localhost`, 127.0.0.0/8 or ::1, with a port. */
function isLoopback(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
