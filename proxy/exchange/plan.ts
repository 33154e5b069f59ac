// The decisions of the runtime about a route, made before any request: the exchange carries the plan, the request path follows it.
import type { SecureContextOptions } from 'node:tls';
import type { Attempt, AttemptListener } from './attempt.ts';
import type { BodyStage } from './body-stage.ts';
import type { ConnectionPlan } from './connection-terms.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Headers } from './headers.ts';
import type { BackendCounts } from './upstream-counts.ts';
import type { PriorityPlan } from './priority.ts';
import type { Principal } from './principal.ts';
import type { AnswerRefusal } from './replaced-body.ts';
import type { RouteTelemetry } from './route-telemetry.ts';
import type { RuleSessions, Session } from './session.ts';

/** The decision of a request filter: continue, the exchange is answered, or continue with a stage for the body of the request. */
export type FilterVerdict = 'continue' | 'answered' | BodyStage;

/** How long the exchange waits for a filter. */
export interface Patience {
  /** Milliseconds. */
  readonly timeout: number;
  /** After that time the exchange goes on without the filter; otherwise it is refused. */
  readonly failOpen: boolean;
}

/** Changes the request before an endpoint is chosen. May answer through `exchange.reply...` helpers. */
export interface RequestFilter {
  readonly name: string;
  /** Absent: the exchange waits for `filterTimeout` of the limits, and is refused then. */
  readonly patience?: Patience;
  /** A filter that waits stops its work at `exchange.signal`, and changes nothing of the exchange after that. */
  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict>;
}

/** The result of a response filter: a stage for the body of the answer, if the filter changes more than the head, or a refusal. */
export type AnswerChange = BodyStage | AnswerRefusal | void;

/** Changes the answer, also a local reply. */
export interface ResponseFilter {
  readonly name: string;
  /** How long the answer waits for the filter; absent: `filterTimeout` of the limits, and an error takes its place then. */
  readonly patience?: Patience;
  /** A filter that waits stops its work at `exchange.signal`, and changes nothing of the exchange after that. */
  response(exchange: Exchange): AnswerChange | Promise<AnswerChange>;
}

/** Learns that an exchange is over, after its record. It may not have passed the request half of the filter. */
export interface EndFilter {
  readonly name: string;
  ended(exchange: Exchange): void;
}

/** The connections to one endpoint. */
export interface UpstreamPool {
  /** Sends the attempt on a kept or a new connection, or later on a free one; sets attempt.stream, or reports upstreamFailed. */
  send(attempt: Attempt): void;
  /** Removes an attempt that still waits for a connection. */
  forget(attempt: Attempt): void;
}

/** The certificate and key that the proxy presents to endpoints that request them. Both are PEM. */
export interface ClientIdentity {
  readonly chain: string;
  readonly privateKey: string;
}

/** TLS to endpoints: the server name, the trusted authorities, and the client certificate. */
export interface UpstreamTls {
  readonly serverName: string;
  /** The certificate must have at least one of these names. */
  readonly subjectAltNames: readonly { readonly type: 'Hostname' | 'URI'; readonly value: string }[];
  /** PEM; '' trusts no authority, null trusts those of the platform. */
  readonly authorities: string | null;
  readonly identity: ClientIdentity | null;
  /** In the terms of Node. */
  readonly settings: Readonly<Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers' | 'ecdhCurve' | 'secureOptions'>>;
}

/** The version of the PROXY protocol at the start of connections; 0: none. */
export type ProxyProtocol = 0 | 1 | 2;

/** The transport to the endpoints of a cluster. Interned: equal transports are the same object, and an endpoint has a pool for each. */
export interface Transport {
  /** `tcp`: the protocol of the client. */
  readonly protocol: 'http1' | 'http2' | 'tcp';
  readonly proxyProtocol: ProxyProtocol;
  /** Null: without TLS. */
  readonly tls: UpstreamTls | null;
}

/** Gets the results of connecting to an address. */
export interface ConnectListener {
  /** `ms`: the time to connect. */
  connected(ms: number): void;
  /** The address refused a connection, did not answer in time, or TLS failed. */
  connectFailed(): void;
}

/** An address for exchanges. It is the same object as long as the address exists, across runtimes. */
export interface UpstreamEndpoint extends ConnectListener {
  readonly address: string;
  readonly port: number;
  /** The connections to it with this transport. */
  pool(transport: Transport): UpstreamPool;
  /** Open attempts and connections. */
  active: number;
}

/** A request or a connection, as far as the choice of an endpoint may depend on it. */
export interface PickSubject {
  readonly clientAddress: string;
  readonly requestHeaders: Headers;
  /** Without '?'. */
  readonly query: string;
  /** Absent or null: it belongs to no session. */
  readonly session?: Session | null;
  /** The authenticated caller; absent or null without one. */
  readonly principal?: Principal | null;
}

/** The choice among the endpoints of a cluster, for requests and for connections of stream routes. */
export interface EndpointPicker {
  /** The reason why there is no endpoint to pick. */
  readonly lack: ExchangeError;
  /** An endpoint that is not in `tried`, one of `tried` if no other is left, or null if the cluster has none. */
  pick(tried: readonly UpstreamEndpoint[], subject: PickSubject): UpstreamEndpoint | null;
}

/** Permits waits at a gate, and gets their ends. */
export interface GateListener {
  /** Null: the exchange may wait. Otherwise the error to answer with. */
  refusalOfWait(exchange: Exchange): ExchangeError | null;
  /** The exchange goes on; the gate is not asked again. */
  admitted(exchange: Exchange): void;
  refused(exchange: Exchange, error: ExchangeError): void;
}

/** An exchange waits for room at its backend. */
export interface Wait {
  /** The exchange is over. */
  leave(): void;
}

/** Decides whether a backend may get another request now. */
export interface Gate {
  /** Null: the exchange goes on. `waits`: the listener gets the end of its wait (`exchange.wait`). Otherwise the error to answer with. */
  enter(exchange: Exchange, listener: GateListener): ExchangeError | 'waits' | null;
  /** A failed request may be repeated. */
  readonly mayRepeat: boolean;
  /** An attempt beside another one may begin at once. */
  readonly hasRoom: boolean;
}

/** A percentile of the recent answer times of a backend. */
export interface AnswerPercentile {
  /** Milliseconds to the head of an answer; 0 as long as there are too few answers. */
  readonly percentile: number;
}

/**
 * The target of a backendRef, as a rule uses it. It is the same object across runtimes as long as neither its IR resource nor the settings
 * of its use change.
 */
export interface UpstreamCluster extends EndpointPicker, AttemptListener {
  readonly key: string;
  /** Another list after each change. */
  readonly endpoints: readonly UpstreamEndpoint[];
  /** The counts of the backend. */
  readonly counts: BackendCounts;
  readonly retryBudget: RetryBudget;
  /** Null: its connections have the terms of the worker. */
  readonly connections: ConnectionPlan | null;
  /** Null: no percentile of them is needed. */
  readonly answerTimes: AnswerPercentile | null;
  /** Null: every request may pass. */
  readonly gate: Gate | null;
  /** An attempt at one of its endpoints begins. */
  attemptBegan(attempt: Attempt): void;
  /** The head of the answer to an attempt came. */
  attemptAnswered(): void;
  /** Connections to all endpoints fail: an attempt at another one is no safer. */
  readonly refusing: boolean;
  readonly transport: Transport;
  /** The same with another protocol, if one is given, and that version of the PROXY protocol. */
  transportIn(protocol: RoutePlan['protocol'], proxyProtocol: ProxyProtocol): Transport;
}

/** A share of a route's traffic. Exactly one of `cluster` and `error` is set. */
export interface BackendPlan {
  readonly cluster: UpstreamCluster | null;
  readonly error: ExchangeError | null;
  readonly weight: number;
  readonly requestFilters: readonly RequestFilter[] | null;
  readonly responseFilters: readonly ResponseFilter[] | null;
  readonly endFilters: readonly EndFilter[] | null;
  /** The plan after the choice of this backend; null: the plan stays. */
  readonly route: RoutePlan | null;
}

/** The requests that are repeated after a kind of failure. */
export type RetryScope = 'none' | 'idempotent' | 'all';

/** The failures after which a request is repeated, how often, and after which pause (GEP-1731). Milliseconds. */
export interface RetryPlan {
  /** Attempts beyond the first. */
  readonly attempts: number;
  /** Failures that left the backend without the request: no connection, a refused stream. Without these a few attempts are made anyway. */
  readonly connect: boolean;
  readonly refused: boolean;
  /** Connections that break before the answer, and attempts that take too long. */
  readonly reset: RetryScope;
  readonly timeout: RetryScope;
  /** Statuses that are repeated for every request, and those only for idempotent ones. */
  readonly codes: readonly number[];
  readonly safeCodes: readonly number[];
  /** All statuses from 500 to 599, for every request. */
  readonly serverErrors: boolean;
  /** Outcomes of gRPC calls; only policies have them. */
  readonly grpcStatuses: readonly number[];
  /** The least pause before the first of them, and the longest pause that grows out of it. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** The longest pause that a backend may ask for. */
  readonly maxRetryAfter: number;
}

/** Further attempts while no answer has begun. */
export interface HedgePlan {
  /** Milliseconds between the attempts, as long as the cluster has no percentile of its answer times; 0 is never. */
  readonly delay: number;
  /** The bounds of the percentile, milliseconds. */
  readonly minDelay: number;
  readonly maxDelay: number;
  /** Attempts under way at the same time, at least 2. */
  readonly maxAttempts: number;
  /** For gRPC calls too. */
  readonly grpc: boolean;
}

/**
 * The most attempts beyond the first: a share of the requests of an interval, or, if that is more, a least number in another interval.
 * Milliseconds.
 */
export interface RetryBudgetPlan {
  readonly percent: number;
  readonly interval: number;
  /** Of the whole proxy. */
  readonly least: number;
  readonly leastInterval: number;
}

/** Counts the requests and the further attempts of a backend. */
export interface RetryBudget {
  /** A request begins. */
  requested(): void;
  /** Takes a further attempt out of the budget; `workers` share the least number. False: there is none left. */
  take(plan: RetryBudgetPlan, workers: number): boolean;
}

/** Limits of WebSockets; 0 is unlimited. */
export interface WebSocketPlan {
  /** Bytes of payload on the wire. */
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
  /** Of the client. */
  readonly messagesPerSecond: number;
  /** Milliseconds: without data in both directions, in total, and without bytes of the client before the proxy sends it a ping. */
  readonly idle: number;
  readonly lifetime: number;
  readonly ping: number;
  /** Open WebSockets of the rule in one worker. */
  readonly maxConnections: number;
}

/** How requests wait for a connection. */
export interface QueuePlan {
  /** Milliseconds; 0 is no limit, null that of the proxy. */
  readonly timeout: number | null;
  /** The header that names the caller, in lower case; null: the address of the client does. */
  readonly callerHeader: string | null;
}

/** The greatest speed of bodies and streams, bytes per second; 0 is no limit. */
export interface BandwidthPlan {
  /** It is that of all flows of the rule together, in the whole proxy, and not of each. */
  readonly shared: boolean;
  readonly request: number;
  readonly response: number;
}

/** The fixed answer if the backend gives none. */
export interface FallbackPlan {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Faults that are added to requests on purpose. */
export interface FaultPlan {
  /** Only requests with this header get faults, name in lower case; null: all. */
  readonly header: string | null;
  /** The share of requests that are delayed, 0 to 1, and the delay in milliseconds. */
  readonly delayShare: number;
  readonly delay: number;
  /** The share of requests that are answered with the error, 0 to 1. */
  readonly abortShare: number;
  readonly abort: ExchangeError;
}

/** One rule of a route in executable form. `null` fields: nothing to do. */
export interface RoutePlan {
  /** Key of the IR route: `<Kind>/<namespace>/<name>/<rule index>`; the label of metrics and logs. */
  readonly key: string;
  /** Set if the rule cannot be served: the answer to every request. */
  readonly error: ExchangeError | null;
  readonly requestFilters: readonly RequestFilter[] | null;
  /** The request filters that run after those of the chosen backend. */
  readonly lastFilters: readonly RequestFilter[] | null;
  readonly responseFilters: readonly ResponseFilter[] | null;
  readonly endFilters: readonly EndFilter[] | null;
  /** The backends with a weight above 0. */
  readonly backends: readonly BackendPlan[];
  readonly totalWeight: number;
  /** The answer if there is none. */
  readonly nothingDrawn: ExchangeError;
  /** Of the whole exchange and of one attempt, milliseconds; 0 is off. */
  readonly requestTimeout: number;
  readonly backendRequestTimeout: number;
  /** The header with the timeout of the caller, in lower case; null: callers set none. */
  readonly timeoutHeader: string | null;
  readonly retry: RetryPlan | null;
  readonly retryBudget: RetryBudgetPlan;
  readonly hedge: HedgePlan | null;
  readonly webSocket: WebSocketPlan | null;
  readonly faults: FaultPlan | null;
  /** Null: every request has the default priority. */
  readonly priority: PriorityPlan | null;
  readonly queue: QueuePlan | null;
  readonly bandwidth: BandwidthPlan | null;
  readonly fallback: FallbackPlan | null;
  /** The backend that gets the request before that, with a plan (`route`) that has no such backend. */
  readonly fallbackBackend: BackendPlan | null;
  /** Of all backends of the rule; null: each request may go to another endpoint. */
  readonly sessions: RuleSessions | null;
  /** The protocol to endpoints regardless of their cluster; null: that of the cluster. */
  readonly protocol: 'http1' | 'http2' | null;
  readonly proxyProtocol: ProxyProtocol;
  /** The path of all its requests, for traces: `/cart`, or `/cart/*`; '' if the rule matches by several paths or a pattern. */
  readonly pathTemplate: string;
  /** What policies say about telemetry; null: nothing. */
  readonly telemetry: RouteTelemetry | null;
}
