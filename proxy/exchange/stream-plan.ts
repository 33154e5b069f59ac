// The decisions of the runtime about a TCP, TLS or UDP route, made before any connection.
import type { ConnectionPlan } from './connection-terms.ts';
import type { ExchangeError } from './errors.ts';
import type { BandwidthPlan, EndpointPicker, ProxyProtocol, Transport, UpstreamEndpoint } from './plan.ts';

/** What a connection of a session says about its endpoint. `failed`: no connection, or a reset before the first byte. */
export type SessionOutcome = 'served' | 'failed';

/** A cluster, as stream routes use it. */
export interface StreamCluster extends EndpointPicker {
  readonly key: string;
  /** Of its terms only the time to connect applies; null: that of the worker. */
  readonly connections: ConnectionPlan | null;
  /** The transport to its endpoints without a client certificate. `tcp`: without ALPN and HTTP. */
  transportIn(protocol: 'tcp', proxyProtocol: ProxyProtocol): Transport;
  /** A connection of a session served it, or failed. Called at most once for each connection. */
  sessionMet(endpoint: UpstreamEndpoint, outcome: SessionOutcome): void;
  /** A new array after each change. */
  readonly endpoints: readonly UpstreamEndpoint[];
}

/** A share of a route's connections. `cluster` null: these connections are refused. */
export interface StreamBackendPlan {
  readonly cluster: StreamCluster | null;
  readonly weight: number;
  readonly proxyProtocol: ProxyProtocol;
  /** `request`: the bytes of the client; `response`: those of the backend. Null: no limit. */
  readonly bandwidth: BandwidthPlan | null;
}

/** One rule of a route in executable form. */
export interface StreamPlan {
  /** Key of the IR route: `<Kind>/<namespace>/<name>/<rule index>`; the label of metrics and logs. */
  readonly key: string;
  readonly backends: readonly StreamBackendPlan[];
  readonly totalWeight: number;
  /** The error of connections if no backend can be chosen. */
  readonly nothingDrawn: ExchangeError;
}
