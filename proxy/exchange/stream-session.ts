// One forwarded connection, from accept to the log line. It is to a stream route what an Exchange is to an HTTP route.
import type { ExchangeError } from './errors.ts';
import type { DownstreamConnection, DownstreamTls } from './exchange.ts';
import { NO_HEADERS } from './headers.ts';
import type { ClientIdentity, PickSubject, UpstreamEndpoint } from './plan.ts';
import type { StreamPlan } from './stream-plan.ts';

/** The listener and the route of a connection. */
export interface StreamTarget {
  /** `tls`: TLS, passed through or terminated; `tcp`: any bytes; `udp`: the datagrams of one peer and the answers to them. */
  readonly protocol: 'tcp' | 'tls' | 'udp';
  /** `<namespace>/<gateway>/<listener>`; '' if no route matches. */
  readonly listener: string;
  /** The server name of the TLS handshake; '' without SNI. */
  readonly serverName: string;
  /** Null: no route matches. */
  readonly plan: StreamPlan | null;
  /** The client certificate of the Gateway for backends that request one; null if the Gateway has none. */
  readonly clientIdentity: ClientIdentity | null;
}

export class StreamSession implements PickSubject {
  /** Stored at the start, because a closed socket does not have it any more. */
  readonly remoteAddress: string;
  readonly requestHeaders = NO_HEADERS;
  readonly query = '';
  /** Null without TLS, and if the backend terminates TLS. */
  readonly tls: DownstreamTls | null;
  readonly target: StreamTarget;
  /** True if the backend terminates TLS. */
  readonly passthrough: boolean;
  /** performance.now() after accept, or after the handshake. */
  readonly startedAt = performance.now();
  /** Milliseconds from `startedAt` until an endpoint accepted the connection; 0 if none did. */
  connectedAfter = 0;
  endpoint: UpstreamEndpoint | null = null;
  /** The side that ended the connection first; '' if neither side did. */
  closedBy: 'client' | 'backend' | '' = '';
  /** The number of endpoints that were tried. */
  attempts = 0;
  /** Bytes from the downstream, and bytes to it. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Null if both sides ended the connection normally. */
  error: ExchangeError | null = null;

  constructor(connection: Pick<DownstreamConnection, 'remoteAddress' | 'tls'>, target: StreamTarget) {
    this.remoteAddress = connection.remoteAddress;
    this.tls = connection.tls;
    this.passthrough = target.protocol === 'tls' && connection.tls === null;
    this.target = target;
  }

  get clientAddress(): string {
    return this.remoteAddress;
  }
}

/** Gets the start and the end of each session, for metrics and the access log. */
export interface StreamRecorder {
  started(session: StreamSession): void;
  ended(session: StreamSession): void;
}
