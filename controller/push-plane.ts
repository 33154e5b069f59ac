// The push plane of `weir controller`: the scopes that the pipeline fills, the gRPC server for proxies, and the relay between controllers.
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { ResourceKind } from '#api/ir/ir.ts';
import type { Faults } from '#lib/faults.ts';
import { joinAddress } from '#lib/host-port.ts';
import type { Log } from '#lib/log.ts';
import type { ControllerConfig, PushTls } from './config.ts';
import type { Sink } from './outlet.ts';
import type { CertificateFiles, CertificateSource } from './push/certificates.ts';
import { PushServer } from './push/server.ts';
import type { AdminService, ProxyService } from './push/server.ts';
import type { PushObserver, SessionState } from './push/observer.ts';
import { Scopes } from './push/scopes.ts';
import { OwnSessions } from './relay/own-sessions.ts';
import { Receiver } from './relay/receiver.ts';
import type { PeerLinks } from './relay/peer-links.ts';
import { Reporter } from './relay/reporter.ts';

/** Serves proxies. */
export interface PushPlane extends Sink {
  /** Starts to accept proxies, once the first batch is applied. Resolves with the port. */
  start(): Promise<number>;
  /** Ends every stream, so that proxies connect to another controller at once. */
  stop(): Promise<void>;
  /** Sets whether this controller leads. The leader receives the reports of the other controllers. */
  lead(leading: boolean): void;
  /** Sets the `host:port` of the leading controller, to which this one reports; null if this one leads or the leader is unknown. */
  follow(leader: string | null): void;
  /** The connected proxies, for the dump. */
  sessions(): readonly SessionState[];
}

/** Callbacks for metrics. */
export interface PushCounters {
  /** Bytes of resources sent. */
  pushed(bytes: number): void;
  /** A proxy has acked a push. */
  acked(): void;
  /** A proxy of this controller refuses a version of a resource. */
  nacked(kind: ResourceKind): void;
}

export interface PushPlaneOptions {
  readonly config: ControllerConfig;
  /** Called with every event of a session. */
  readonly observer: PushObserver;
  readonly counters: PushCounters;
  /** The certificates that Weir creates itself; null if they come from files. */
  readonly managed: CertificateSource | null;
  /** Further services for proxies. */
  readonly services: readonly ProxyService[];
  /** The service for the admin program. */
  readonly admin: AdminService;
  /** The links to the other controllers. */
  readonly peers: PeerLinks;
  readonly faults: Faults;
  readonly log: Log;
}

export type MakePushPlane = (options: PushPlaneOptions) => PushPlane;

/** Makes the push plane. */
export const makePushPlane: MakePushPlane = ({ config, observer, counters, managed, services, admin, peers, faults, log }) => {
  const scopes = new Scopes(faults);
  const cacheOf = (scope: string) => scopes.cacheOf(scope);
  const { host, port } = config.pushAddress;
  const address = joinAddress(host || '0.0.0.0', port);
  const tls = managed ?? tlsOf(config.pushTls);
  const sessions = new OwnSessions(observer, (kind) => counters.nacked(kind), faults);
  const receiver = new Receiver(observer, log, faults);
  const reports = receiver.accept.bind(receiver);
  const links = peers.accept.bind(peers);
  const told = { pushed: (bytes: number) => counters.pushed(bytes), acked: () => counters.acked() };
  const server = new PushServer({ address, tls, cacheOf, observer: sessions, reports, links, services, admin, log, faults, ...told });
  const credentials = (): ChannelCredentials => server.clientCredentials();
  const reporter = new Reporter({ sessions, credentials, log });
  const follow = (leader: string | null): void => {
    reporter.follow(leader);
    peers.follow(leader, credentials);
  };
  return {
    essential: true,
    apply: (delta) => scopes.apply(delta),
    start: () => server.start(),
    stop: () => {
      follow(null);
      receiver.lead(false);
      return server.stop();
    },
    lead: (leading) => receiver.lead(leading),
    follow,
    sessions: () => server.sessions(),
  };
};

function tlsOf(tls: PushTls): CertificateFiles | 'plaintext' {
  return tls.from === 'files' ? { ca: tls.ca, certificate: tls.certificate, privateKey: tls.key } : 'plaintext';
}
