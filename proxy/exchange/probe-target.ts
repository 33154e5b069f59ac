// Active health checks as plain data: workers want them, the supervisor runs them once for all workers.
import { contentHash } from '#lib/hash.ts';
import type { UpstreamTls } from './plan.ts';

/** The times and counts of a check, milliseconds. */
export interface CheckPace {
  /** Between the end of a probe and the next one; `unhealthyInterval` while the endpoint is unhealthy. */
  readonly interval: number;
  readonly unhealthyInterval: number;
  /** Of one probe: connection, handshake and answer together. */
  readonly timeout: number;
  /** Probes in a row that change the result. The first probe decides at once. */
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** The expected content of a body: within its first bytes. */
export interface BodyMatch {
  /** `text` is part of the body; `regex` (RE2) matches a part of it. */
  readonly type: 'text' | 'regex';
  readonly value: string;
  /** The bytes that are read. */
  readonly bytes: number;
}

/** A request, and the answers to it that are healthy. */
export interface HttpCheck {
  readonly type: 'http';
  readonly protocol: 'http1' | 'http2';
  readonly method: string;
  /** With the query, if there is one. */
  readonly path: string;
  /** Null: the server name of TLS, or the address and port. */
  readonly host: string | null;
  /** Names in lower case, and values. */
  readonly headers: readonly (readonly [string, string])[];
  /** The first and the last status of each range. */
  readonly statuses: readonly (readonly [number, number])[];
  readonly body: BodyMatch | null;
}

/** A call of grpc.health.v1.Health/Check. */
export interface GrpcCheck {
  readonly type: 'grpc';
  /** '' is the whole server. */
  readonly service: string;
  /** As that of HttpCheck. */
  readonly host: string | null;
}

/** A connection, and bytes to send and to receive. */
export interface TcpCheck {
  readonly type: 'tcp';
  /** Hexadecimal; '' sends nothing. */
  readonly send: string;
  /** Hexadecimal; the answer must contain these bytes. '': a connection is enough. */
  readonly expect: string;
}

/** A health check of the endpoints of a backend. */
export interface HealthCheck {
  readonly pace: CheckPace;
  readonly request: HttpCheck | GrpcCheck | TcpCheck;
}

/** What to probe. Equal targets share one probe. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  readonly tls: UpstreamTls | null;
  /**
   * The key of the Secret whose certificate the probe presents; null: none. The supervisor has the Secret, so that no private key travels
   * with a wish, and a renewed certificate changes no probe.
   */
  readonly clientCertificate: string | null;
  readonly check: HealthCheck;
}

/** The same check for several addresses. The ports are those to probe, which need not be those of the traffic. */
export interface WantedProbes extends Omit<ProbeTarget, 'address' | 'port'> {
  readonly addresses: readonly Pick<ProbeTarget, 'address' | 'port'>[];
}

/** The result of the probes of a target so far. A target without a result counts as healthy. */
export type Health = 'healthy' | 'unhealthy';

/** A name for the check of a target, the same for equal checks. */
export function checkId({ tls, clientCertificate, check }: Omit<ProbeTarget, 'address' | 'port'>): string {
  return contentHash(JSON.stringify([tls, clientCertificate, check]));
}

/** A name for a target, the same for equal targets. */
export function probeId(check: string, { address, port }: Pick<ProbeTarget, 'address' | 'port'>): string {
  return `${address}|${port}|${check}`;
}
