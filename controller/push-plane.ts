// The push plane of `weir controller`: the scopes that the pipeline fills, the gRPC server that proxies subscribe to, and what the
// controller that leads hears from the others.
import type { ResourceKind } from '#api/ir/ir.ts';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { ControllerConfig, PushTls } from './config.ts';
import type { Sink } from './outlet.ts';
import type { CertificateFiles, CertificateSource } from './push/certificates.ts';
import { PushServer } from './push/server.ts';
import type { PushObserver } from './push/observer.ts';
import { Scopes } from './push/scopes.ts';
import { OwnSessions } from './relay/own-sessions.ts';
import { Receiver } from './relay/receiver.ts';
import { Reporter } from './relay/reporter.ts';

/** What serves proxies. */
export interface PushPlane extends Sink {
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

export interface PushPlaneOptions {
  readonly config: ControllerConfig;
  /** Told of everything that sessions tell, and nothing of it is kept twice. */
  readonly observer: PushObserver;
  readonly counters: PushCounters;
  /** The certificates that Weir makes itself; null where the configuration says what there is instead. */
  readonly managed: CertificateSource | null;
  readonly faults: Faults;
  readonly log: Log;
}

export type MakePushPlane = (options: PushPlaneOptions) => PushPlane;

/** Makes the push plane. */
export const makePushPlane: MakePushPlane = ({ config, observer, counters, managed, faults, log }) => {
  const scopes = new Scopes(faults);
  const cacheOf = (scope: string) => scopes.cacheOf(scope);
  const { host, port } = config.pushAddress;
  const address = `${host.includes(':') ? `[${host}]` : host || '0.0.0.0'}:${port}`;
  const tls = managed ?? tlsOf(config.pushTls);
  const sessions = new OwnSessions(observer, (kind) => counters.nacked(kind), faults);
  const receiver = new Receiver(observer, log, faults);
  const reports = receiver.accept.bind(receiver);
  const pushed = (bytes: number) => counters.pushed(bytes);
  const server = new PushServer({ address, tls, cacheOf, observer: sessions, reports, log, pushed, faults });
  const reporter = new Reporter({ sessions, credentials: () => server.clientCredentials(), log });
  return {
    essential: true,
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
