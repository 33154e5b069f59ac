// What the runtime decided about a route before any request came: the exchange carries it, the request path follows it.
import type { SecureContextOptions } from 'node:tls';
import type { Attempt } from './attempt.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { BackendCounts } from './upstream-counts.ts';

/** What a request filter decides: go on, or the exchange was answered (or a promise of that, where work must be awaited). */
export type FilterVerdict = 'continue' | 'answered';

/** Changes the request before an endpoint is picked. May answer by itself through `exchange.reply...` helpers. */
export interface RequestFilter {
  readonly name: string;
  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict>;
}

/** Changes the head of the answer, local replies included. */
export interface ResponseFilter {
  readonly name: string;
  response(exchange: Exchange): void;
}

/** The connections to one endpoint. */
export interface UpstreamPool {
  /** Sends the attempt on a kept connection, a new one, or later when one is free; sets attempt.stream, or reports upstreamFailed. */
  send(attempt: Attempt): void;
  /** Forgets an attempt that still waits for a connection. */
  forget(attempt: Attempt): void;
}

/** What the proxy presents to endpoints that ask who it is. PEM both. */
export interface ClientIdentity {
  readonly chain: string;
  readonly privateKey: string;
}

/** TLS to endpoints: whom to ask for, whom to believe, and who is asking. */
export interface UpstreamTls {
  readonly serverName: string;
  /** One of these must be on the certificate. */
  readonly subjectAltNames: readonly { readonly type: 'Hostname' | 'URI'; readonly value: string }[];
  /** PEM; '' trusts nobody, null those whom the platform trusts. */
  readonly authorities: string | null;
  readonly identity: ClientIdentity | null;
  /** In the words of Node. */
  readonly settings: Readonly<Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers' | 'ecdhCurve' | 'secureOptions'>>;
}

/** The version of the PROXY protocol that connections begin with, to say whose they are; 0: they do not. */
export type ProxyProtocol = 0 | 1 | 2;

/** How the endpoints of a cluster are spoken to. Interned: equal ones are the same object, and an endpoint has a pool for each. */
export interface Transport {
  /** `tcp`: whatever the client speaks. */
  readonly protocol: 'http1' | 'http2' | 'tcp';
  readonly proxyProtocol: ProxyProtocol;
  /** Null: in the clear. */
  readonly tls: UpstreamTls | null;
}

/** Hears whether an address takes connections. */
export interface ConnectListener {
  /** `ms`: how long connecting took. */
  connected(ms: number): void;
  /** It refused one, did not answer in time, or the connection could not be secured. */
  connectFailed(): void;
}

/** One address exchanges can be sent to. Identity lasts as long as the address does, across runtimes. */
export interface UpstreamEndpoint extends ConnectListener {
  readonly address: string;
  readonly port: number;
  /** The connections to it that speak so. */
  pool(transport: Transport): UpstreamPool;
  /** Attempts and connections in flight. */
  active: number;
}

/** The choice among the endpoints of a cluster, the same for requests and for connections that are passed on. */
export interface EndpointPicker {
  /** An endpoint that is none of those tried, one of those when no other is left, or null when there is none at all. */
  pick(tried: readonly UpstreamEndpoint[]): UpstreamEndpoint | null;
}

/** What a backendRef became. Identity lasts across runtimes while its IR resource does not change. */
export interface UpstreamCluster extends EndpointPicker {
  readonly key: string;
  /** Told of every attempt at one of its endpoints. */
  readonly counts: BackendCounts;
  readonly transport: Transport;
  /** The same with another protocol, where one is named, and that version of the PROXY protocol. */
  transportIn(protocol: RoutePlan['protocol'], proxyProtocol: ProxyProtocol): Transport;
}

/** A share of a route's traffic. Exactly one of `cluster` and `error` is set. */
export interface BackendPlan {
  readonly cluster: UpstreamCluster | null;
  readonly error: ExchangeError | null;
  readonly weight: number;
  readonly requestFilters: readonly RequestFilter[] | null;
  readonly responseFilters: readonly ResponseFilter[] | null;
  /** The plan that an exchange follows once this backend is drawn; null: the one it has. */
  readonly route: RoutePlan | null;
}

/** GEP-1731, milliseconds. */
export interface RetryPlan {
  readonly codes: readonly number[];
  /** Outcomes of gRPC calls; routes themselves have none. */
  readonly grpcStatuses?: readonly number[];
  readonly attempts: number;
  readonly backoff: number;
}

/** What WebSockets are held to; 0 is no limit. */
export interface WebSocketPlan {
  /** Bytes of payload as they travel. */
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
  /** Of the client. */
  readonly messagesPerSecond: number;
  /** Milliseconds: without data either way, in all, and of silence of the client before it is sent a ping. */
  readonly idle: number;
  readonly lifetime: number;
  readonly ping: number;
  /** Open ones of the rule in one worker. */
  readonly maxConnections: number;
}

/** One route rule, ready to be followed. `null` where there is nothing to do. */
export interface RoutePlan {
  /** Key of the IR route: `<Kind>/<namespace>/<name>/<rule index>`; the label of metrics and logs. */
  readonly key: string;
  /** Set when the rule cannot be served: every request is answered with it. */
  readonly error: ExchangeError | null;
  readonly requestFilters: readonly RequestFilter[] | null;
  readonly responseFilters: readonly ResponseFilter[] | null;
  /** Those that can be drawn. */
  readonly backends: readonly BackendPlan[];
  readonly totalWeight: number;
  /** What is answered where none can be drawn. */
  readonly nothingDrawn: ExchangeError;
  /** Whole exchange and one attempt, milliseconds; 0 is off. */
  readonly requestTimeout: number;
  readonly backendRequestTimeout: number;
  readonly retry: RetryPlan | null;
  readonly webSocket: WebSocketPlan | null;
  /** What endpoints are spoken to in whatever their cluster says; null: what that says. */
  readonly protocol: 'http1' | 'http2' | null;
  readonly proxyProtocol: ProxyProtocol;
}
