// One request with its answer, from the first byte received to the log line. Both codecs create the same shape, and the constructor sets
// all fields: V8 keeps one hidden class, and every access stays monomorphic.
import type { X509Certificate } from 'node:crypto';
import type { CertificateNames } from '#lib/certificate-names.ts';
import type { Timer } from '#lib/timer-wheel.ts';
import type { Attempt } from './attempt.ts';
import type { CallTranslation } from './call-translation.ts';
import type { Heirs } from './departure.ts';
import type { ExchangeError } from './errors.ts';
import type { ForwardedClient } from './forwarded-client.ts';
import type { Hedge } from './hedge.ts';
import { NO_HEADERS } from './headers.ts';
import type { Headers } from './headers.ts';
import type { KeptBody } from './kept-body.ts';
import type { LocalStream } from './local-stream.ts';
import type { BackendPlan, ClientIdentity, ResponseFilter, RoutePlan, UpstreamEndpoint, Wait } from './plan.ts';
import type { Principal } from './principal.ts';
import type { RouteTelemetry } from './route-telemetry.ts';
import type { Session } from './session.ts';
import type { StagedBody } from './staged-body.ts';
import type { DownstreamStream, UpstreamStream } from './stream.ts';
import type { ExchangeTrace } from './tracing.ts';

/** The client certificate of the handshake, valid or not. */
export interface ClientCertificate {
  /** `CN=alice, O=example`; '' if the certificate has none. */
  readonly subject: string;
  /** `DNS:a.example, URI:spiffe://example/alice`; '' if there are none. */
  readonly subjectAltName: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** It chains to an authority of the listener and is valid now. Do not trust any other field unless this is true. */
  readonly verified: boolean;
  /** The reason why it is invalid, as an OpenSSL code; '' if it is valid. */
  readonly problem: string;
  /** The names by which its owner is known. */
  readonly names: CertificateNames;
  /** Its end, milliseconds since the epoch. */
  readonly validTo: number;
  /** DER. */
  readonly raw: Buffer;
  /** The certificate of its authority; null if the handshake does not show it, as when a session resumes. */
  issuerCertificate(): X509Certificate | null;
}

/** The result of a TLS handshake. */
export interface DownstreamTls {
  /** '' without SNI. */
  readonly serverName: string;
  readonly version: string;
  readonly cipher: string;
  /** '' without ALPN. */
  readonly alpn: string;
  /** Null if the listener requested no certificate, or the client presented none. */
  readonly clientCertificate: ClientCertificate | null;
  /**
   * Whether this connection may carry requests for the host. False if another connection, with the host as its server name, would present a
   * certificate with that name, and this connection presented none: then the client did not verify the server for this host (RFC 9110
   * section 15.5.20).
   */
  vouches(host: string): boolean;
}

/** The connection of a request. One object per connection, shared by its exchanges. */
export interface DownstreamConnection {
  /** Address of the peer, or of the client if the PROXY protocol gives one. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  /** The port that the listener is bound to: it selects the routing table. */
  readonly localPort: number;
  readonly protocol: 'http/1.1' | 'h2';
  /** Null without TLS. */
  readonly tls: DownstreamTls | null;
}

/** Collects the body of a request for a copy of it. */
export interface BodyCopy {
  data(chunk: Buffer): void;
  /** The body is complete. */
  end(): void;
  /** The exchange is over and its body stays incomplete. No effect after `end`. */
  abort(): void;
}

/** Limits the speed of the bodies of an exchange, by pauses of their sources. */
export interface BodyThrottle {
  /** Its source pauses for others that share the limit, and goes on by itself. */
  readonly waits: boolean;
  /** The body is about to begin. */
  begin(): void;
  /** Bytes have passed; `room`: the receiver can take more. */
  passed(octets: number, room: boolean): void;
  /** The receiver has room again. */
  drained(): void;
}

/** Both bodies of an exchange with a limited speed. */
export interface BodyShaping {
  readonly request: BodyThrottle;
  readonly response: BodyThrottle;
  /** The exchange is over. */
  stop(): void;
}

/** The end of a WebSocket, as its frames show it. */
export interface WebSocketClose {
  /** The code of the first close frame (RFC 6455 section 7.4); 1005: it had no code; 1006: there was no close frame; 0: unknown. */
  readonly code: number;
  /** The sender of that frame; '' without one. */
  readonly by: 'client' | 'backend' | 'proxy' | '';
}

/** Follows the frames of a WebSocket and enforces the limits of its route. */
export interface WebSocketTunnel {
  /** Messages of the client and of the backend. */
  readonly received: number;
  readonly sent: number;
  readonly close: WebSocketClose;
  /** The reason to end the tunnel: an error in the frame that was held back, or no frame is in progress any more. */
  readonly ending: ExchangeError | null;
  /** Forwards the allowed part. False: the peer is behind. */
  fromClient(exchange: Exchange, chunk: Buffer): boolean;
  fromBackend(exchange: Exchange, chunk: Buffer): boolean;
  /** The tunnel is to end as soon as no frame is in progress. True: now. */
  leave(error: ExchangeError): boolean;
  /** Sends both sides the reason. False: that is not possible, and both must be cut. */
  sayWhy(exchange: Exchange, error: ExchangeError): boolean;
  /** The tunnel has ended. */
  end(): void;
}

/** The faults that the proxy added to an exchange on purpose; '' for none. */
export type FaultMark = '' | 'delay' | 'abort' | 'delay,abort';

/** What a cache did with a request. */
export type CacheOutcome = 'hit' | 'stale' | 'collapsed' | 'miss' | 'validated' | 'bypass';

/** The phase of an exchange; it only moves forward. `answered`: it has an answer, and a response filter waits. */
export type ExchangePhase = 'request' | 'picked' | 'answered' | 'answering' | 'done';

/**
 * Why a request is not repeated though its plan allows it: its body was not kept, the retry budget of the backend is spent, its deadline passes during the pause, or the backend asks
 * for a longer pause than the plan allows.
 */
export type RetryObstacle = 'body' | 'budget' | 'limit' | 'deadline' | 'retry_after';

export class Exchange {
  readonly connection: DownstreamConnection;
  /** Of the client; another one once the client is gone (exchange/departure.ts). */
  downstream: DownstreamStream;
  /** performance.now() at the first byte of the request. */
  readonly startedAt: number;

  /** The client as reported by trusted proxies, set before anything uses it; null: the client is the peer. */
  client: ForwardedClient | null = null;

  // The request. The codec sets it; request filters may change it.
  method = '';
  /** The Host header or :authority as received. */
  authority = '';
  /** The host for matching: lower case, no port, no final dot. */
  host = '';
  /** The normalised path without query, for matching and for forwarding. */
  path = '';
  /** The raw query without '?'; `hasQuery` distinguishes `/a?` from `/a`. */
  query = '';
  hasQuery = false;
  /** The authority and path before filters changed them: for the log. */
  requestedAuthority = '';
  requestedPath = '';
  requestHeaders: Headers = NO_HEADERS;
  /** The id of the request, if a policy gives requests one; '' otherwise. It has letters, digits and `-._~:/+=@` only. */
  requestId = '';
  /** Null without tracing. */
  trace: ExchangeTrace | null = null;
  /** The values of the headers in the access log, as received; null if it has none. */
  loggedHeaders: (string | null)[] | null = null;
  /** Bytes of the request body; 0: no body, UNKNOWN_LENGTH: the length is not announced. */
  requestLength = 0;
  /** HTTP version of the request: 10, 11 or 20. */
  version = 11;
  /** A gRPC call, by its method and content type. */
  grpc = false;
  /** The call is that of a client without gRPC; null: the client speaks gRPC, or this is no call. */
  translation: CallTranslation | null = null;
  /** The deadline of a call, or of a request whose caller may set one, as performance.now(); 0 without one. */
  deadlineAt = 0;
  /**
   * Declared lengths and headers of the request, for matches, whether or not they take effect. Upgrade (or `:protocol`) and Expect in lower
   * case.
   */
  contentLength = -1;
  expect = '';
  askedUpgrade = '';
  /** The token of the Upgrade header in lower case if the request asks to switch protocols, or ''. */
  upgrade = '';
  /** The request waits for a 100 before it sends its body, and none was sent yet. */
  expectsContinue = false;

  /** The fields of messages for the access log, by `request.` or `response.` and their paths; null: none. */
  messageFields: Map<string, string> | null = null;

  /** The authenticated caller; null: none, or none yet. */
  principal: Principal | null = null;
  /** The slots of filters, each with its value behind it (exchange/slot.ts); null until one keeps a value. */
  slots: unknown[] | null = null;
  /** Behind `signal`; null until a filter asks for it. */
  canceller: AbortController | null = null;

  /** Names of headers that an HTTP/2 peer excludes from compression tables (RFC 7541 section 7.1.3), for both sides; null if none. */
  secrets: string[] | null = null;

  // The answer: that of an accepted attempt, or a local reply. Response filters may change it.
  status = 0;
  responseHeaders: Headers = NO_HEADERS;
  /** Bytes of its body, or of the omitted body (HEAD, 304); UNKNOWN_LENGTH if not announced. */
  responseLength = 0;
  /** The status of a call once it is known; -1 before. */
  grpcStatus = -1;
  /** The body of an answer of the proxy itself: a local reply or the answer of a filter. */
  localBody: Buffer | null = null;
  /** The source of such an answer that goes on after its head; null: it is whole. */
  localStream: LocalStream | null = null;
  /** The way of the body of the answer through stages, or its wait for response filters; null: it goes straight to the client. */
  stagedAnswer: StagedBody | null = null;

  // The route and the attempts.
  /** The plan from the runtime at the head of the request; the whole exchange follows it. */
  route: RoutePlan | null = null;
  /** What policies say about telemetry, from the match on; null: nothing. */
  telemetry: RouteTelemetry | null = null;
  /** The response filters while there is no plan; null: none. */
  unroutedFilters: readonly ResponseFilter[] | null = null;
  backend: BackendPlan | null = null;
  /** Its session, by a token of the request; null: none, or the rule keeps no sessions. */
  session: Session | null = null;
  /** Characters of the path that the matching PathPrefix covers; for ReplacePrefixMatch. */
  prefixLength = 0;
  /** The client certificate of its Gateway for backends that request one; null if there is none. */
  clientIdentity: ClientIdentity | null = null;
  /** `<namespace>/<gateway>/<listener>` of the matching listener. */
  listener = '';
  /** The current attempt, or the last one; null before the first. Of several at the same time: any, then the one whose answer won. */
  attempt: Attempt | null = null;
  /** The parallel attempts; null unless the plan hedges. */
  hedge: Hedge | null = null;
  /** Its wait for a filter, or for room at the backend; null if it does not wait. */
  wait: Wait | null = null;
  /** The number of attempts. */
  attempts = 0;
  /** Those at the first backend, once the fallback is the backend. */
  attemptsBefore = 0;
  /** Why each further attempt was made: a code of an error, a status, `hedge` or `fallback`; null without one. */
  retryReasons: string[] | null = null;
  /** Why no further attempt was made though the plan allows one; '' if that is not so. */
  retryWithheld: RetryObstacle | '' = '';
  /** Endpoints at which attempts failed; the next attempt prefers others. */
  triedEndpoints: UpstreamEndpoint[] | null = null;
  /** The part of the body that was sent, kept for another attempt; null if there is no body or it is too large. */
  replay: KeptBody | null = null;
  /** The way of the body through stages, or its wait for filters that read it; null: it goes straight to the backend. */
  stagedRequest: StagedBody | null = null;
  /** The body is being collected before the first attempt. */
  gathering = false;
  /** Limits the speed of the bodies; null: full speed. */
  shaping: BodyShaping | null = null;
  /** Copies of this request that also need its body; null if there are none. */
  copies: BodyCopy[] | null = null;
  /** This is such a copy: its answer is discarded, and it is not counted. */
  shadow = false;
  /** The readers that need its answer besides its client; null: there are none. */
  heirs: Heirs | null = null;
  /** The body of the answer is that of a backend, out of the cache. */
  fromStore = false;
  /** What the cache of the route did; '' without one, or before. */
  cacheOutcome: CacheOutcome | '' = '';
  /** The timer of the whole exchange; null unless the route sets a timeout. */
  requestTimer: Timer | null = null;
  /** The answer is the fixed one of a policy, because the backend gave none; `error` says why. */
  fellBack = false;
  /** Faults that the proxy added on purpose. */
  fault: FaultMark = '';
  /** The timer of the pause between two attempts, or of an injected delay. */
  backoffTimer: Timer | null = null;

  // The outcome.
  phase: ExchangePhase = 'request';
  requestEnded = false;
  /** All of its body has passed the stages, if there are any. */
  requestBodyEnded = false;
  requestTrailers: Headers | null = null;
  /** The protocol was switched: both bodies are raw bytes from here on. */
  tunnel = false;
  /** Operators see it among the open connections. */
  isListed = false;
  /** The frames of a WebSocket; null for other tunnels. */
  webSocket: WebSocketTunnel | null = null;
  responseEnded = false;
  /** Set if the proxy answered itself or the exchange failed. */
  error: ExchangeError | null = null;
  requestBytes = 0;
  responseBytes = 0;
  /** Milliseconds from startedAt to the head of the answer; -1 before. */
  headAt = -1;

  constructor(connection: DownstreamConnection, downstream: DownstreamStream, startedAt: number) {
    this.connection = connection;
    this.downstream = downstream;
    this.startedAt = startedAt;
  }

  /** The client address: for everything that depends on the client. Only properties of the connection belong to the peer. */
  get clientAddress(): string {
    return this.client === null ? this.connection.remoteAddress : this.client.address;
  }

  /** From the client's point of view. */
  get scheme(): 'http' | 'https' {
    if (this.client !== null) return this.client.scheme;
    return this.connection.tls === null ? 'http' : 'https';
  }

  /** Cancels the work of filters: aborted when the exchange is over, or goes on without the filter that it waited for. */
  get signal(): AbortSignal {
    this.canceller ??= new AbortController();
    if (this.phase === 'done') this.canceller.abort();
    return this.canceller.signal;
  }

  /** Aborts the signal. Later filters get another one. */
  cancel(): void {
    const { canceller } = this;
    this.canceller = null;
    if (canceller !== null) canceller.abort();
  }

  /** Takes over the answer of an attempt. */
  takeAnswer(attempt: Attempt): void {
    this.status = attempt.status;
    this.responseHeaders = attempt.headers;
    this.responseLength = attempt.length;
  }

  /** The source of the answer, which pauses while the client is behind; null without one. */
  get answerSource(): Pick<UpstreamStream, 'pauseResponse' | 'resumeResponse'> | null {
    return this.localStream ?? this.upstream;
  }

  /** The request on the connection of the attempt; null without one. */
  get upstream(): UpstreamStream | null {
    return this.attempt === null ? null : this.attempt.stream;
  }
}

/** Whether the exchange does not end by itself: a tunnel, or an answer of the proxy that goes on. */
export function isEndless({ tunnel, localStream }: Exchange): boolean {
  return tunnel || localStream !== null;
}
