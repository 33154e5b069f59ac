// What the runtime decided about a stream route before any connection came.
import type { ExchangeError } from './errors.ts';
import type { EndpointPicker, ProxyProtocol, Transport, UpstreamEndpoint } from './plan.ts';

/** A cluster as connections use it. */
export interface StreamCluster extends EndpointPicker {
  readonly key: string;
  /** How its endpoints are connected to, but for who asks; `tcp` has neither ALPN nor anything else of HTTP. */
  transportIn(protocol: 'tcp', proxyProtocol: ProxyProtocol): Transport;
  /** Another array whenever they change. */
  readonly endpoints: readonly UpstreamEndpoint[];
}

/** A share of a route's connections. Null cluster: they are refused. */
export interface StreamBackendPlan {
  readonly cluster: StreamCluster | null;
  readonly weight: number;
  readonly proxyProtocol: ProxyProtocol;
}

/** One rule of a route, ready to be followed. */
export interface StreamPlan {
  /** Key of the IR route: `<Kind>/<namespace>/<name>/<rule index>`; the label of metrics and logs. */
  readonly key: string;
  readonly backends: readonly StreamBackendPlan[];
  readonly totalWeight: number;
  /** What connections fail with where no backend can be drawn. */
  readonly nothingDrawn: ExchangeError;
}
