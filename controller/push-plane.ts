// The push plane of `weir controller`: the scopes that the pipeline fills, the gRPC server that proxies subscribe to, and what the
// controller that leads hears from the others.
import type { ResourceKind } from '#api/ir/ir.ts';
import type { Log } from '#lib/log.ts';
import type { ControllerConfig, PushTls } from './config.ts';
import type { CompileDelta } from './compile/result.ts';
import type { CertificateFiles, CertificateSource } from './push/certificates.ts';
import { PushServer } from './push/server.ts';
import type { PushObserver } from './push/observer.ts';
import { Scopes } from './push/scopes.ts';
import { OwnSessions } from './relay/own-sessions.ts';
import { Receiver } from './relay/receiver.ts';
import { Reporter } from './relay/reporter.ts';

/** What serves proxies. */
export interface PushPlane {
  /** Hands proxies what has changed. */
  apply(delta: Pick<CompileDelta, 'changed' | 'removed' | 'fleets' | 'fleetsGone'>): void;
  /** Accepts proxies; everything that exists has been applied. Resolves with the port. */
  start(): Promise<number>;
  /** Ends every stream so that proxies look for another controller at once. */
  stop(): Promise<void>;
  /** Whether this controller leads: then others tell it what their proxies serve. */
  lead(leading: boolean): void;
  /** The `host:port` of the controller that leads, to tell it what proxies serve; null when it is this one, or not known. */
  follow(leader: string | null): void;
  /** The proxies connected, for the dump: what each is called and has. */
  sessions(): readonly object[];
}

/** Told of what the push plane does: metrics. */
export interface PushCounters {
  /** Bytes of resources sent. */
  pushed(bytes: number): void;
  /** A proxy of this controller, not of another, refuses a version of a resource. */
  nacked(kind: ResourceKind): void;
}

/**
 * Makes a push plane that tells the observer of everything that sessions tell. `managed`: the certificates that Weir makes itself; null
 * where the configuration says what there is instead.
 */
export type MakePushPlane = (
  config: ControllerConfig,
  observer: PushObserver,
  counters: PushCounters,
  log: Log,
  managed: CertificateSource | null,
) => PushPlane;

/** Makes the push plane. Nothing that sessions tell is kept twice. */
export const makePushPlane: MakePushPlane = (config, observer, counters, log, managed) => {
  const scopes = new Scopes();
  const cacheOf = (scope: string) => scopes.cacheOf(scope);
  const { host, port } = config.pushAddress;
  const address = `${host.includes(':') ? `[${host}]` : host || '0.0.0.0'}:${port}`;
  const tls = managed ?? tlsOf(config.pushTls);
  const sessions = new OwnSessions(observer, (kind) => counters.nacked(kind));
  const receiver = new Receiver(observer, log);
  const reports = receiver.accept.bind(receiver);
  const pushed = (bytes: number) => counters.pushed(bytes);
  const server = new PushServer({ address, tls, cacheOf, observer: sessions, reports, log, pushed });
  const reporter = new Reporter({ sessions, credentials: () => server.clientCredentials(), log });
  return {
    apply: (delta) => scopes.apply(delta),
    start: () => server.start(),
    stop: () => {
      reporter.follow(null);
      receiver.lead(false);
      return server.stop();
    },
    lead: (leading) => receiver.lead(leading),
    follow: (leader) => reporter.follow(leader),
    sessions: () => server.sessions(),
  };
};

function tlsOf(tls: PushTls): CertificateFiles | 'plaintext' {
  return tls.from === 'files' ? { ca: tls.ca, certificate: tls.certificate, privateKey: tls.key } : 'plaintext';
}
