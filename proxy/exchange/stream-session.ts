// One connection that is passed on as a whole, from accept to the log line: what an Exchange is to a request.
import type { ExchangeError } from './errors.ts';
import type { DownstreamConnection, DownstreamTls } from './exchange.ts';
import type { ClientIdentity, UpstreamEndpoint } from './plan.ts';
import type { StreamPlan } from './stream-plan.ts';

/** Where a connection belongs, as its port has found out. */
export interface StreamTarget {
  /** `tls`: passed through or terminated; `tcp`: anything; `udp`: what one peer sends, and the answers. */
  readonly protocol: 'tcp' | 'tls' | 'udp';
  /** Key of the listener; '' when no route wants the connection. */
  readonly listener: string;
  /** '' without one. */
  readonly serverName: string;
  /** Null: no route wants it. */
  readonly plan: StreamPlan | null;
  /** What backends that ask for it are shown of the Gateway it came to; null when there is nothing to show. */
  readonly clientIdentity: ClientIdentity | null;
}

export class StreamSession {
  /** Asked for at once: a socket that is closed knows it no more. */
  readonly remoteAddress: string;
  /** Null in the clear, and where the backend terminates TLS. */
  readonly tls: DownstreamTls | null;
  readonly target: StreamTarget;
  /** TLS that somebody else terminates. */
  readonly passthrough: boolean;
  /** performance.now() when the connection was accepted, or when its handshake was over. */
  readonly startedAt = performance.now();
  /** Milliseconds until an endpoint took the connection; 0 when none did. */
  connectedAfter = 0;
  endpoint: UpstreamEndpoint | null = null;
  /** The side that said its end first; '' where neither did. */
  closedBy: 'client' | 'backend' | '' = '';
  /** Endpoints that were tried. */
  attempts = 0;
  /** From the downstream, and to it. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Null when both sides said their end. */
  error: ExchangeError | null = null;

  constructor(connection: Pick<DownstreamConnection, 'remoteAddress' | 'tls'>, target: StreamTarget) {
    this.remoteAddress = connection.remoteAddress;
    this.tls = connection.tls;
    this.passthrough = target.protocol === 'tls' && connection.tls === null;
    this.target = target;
  }
}

/** Who counts and logs sessions. */
export interface StreamRecorder {
  started(session: StreamSession): void;
  ended(session: StreamSession): void;
}
