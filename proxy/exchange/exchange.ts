// One request with its answer, from the first byte in to the log line out. Both codecs make the same shape, all fields set
// in the constructor: V8 keeps one hidden class, and every reader of a field stays monomorphic.
import type { Timer } from '#lib/timer-wheel.ts';
import type { Attempt } from './attempt.ts';
import type { ExchangeError } from './errors.ts';
import type { ForwardedClient } from './forwarded-client.ts';
import { NO_HEADERS } from './headers.ts';
import type { Headers } from './headers.ts';
import type { KeptBody } from './kept-body.ts';
import type { BackendPlan, ClientIdentity, RoutePlan, UpstreamEndpoint } from './plan.ts';
import type { DownstreamStream, UpstreamStream } from './stream.ts';

/** What a client presented in the handshake, whether or not it is worth anything. */
export interface ClientCertificate {
  /** `CN=alice, O=example`; '' when the certificate has none. */
  readonly subject: string;
  /** `DNS:a.example, URI:spiffe://example/alice`; '' when there are none. */
  readonly subjectAltName: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** It leads to an authority of the listener and is valid now. Nothing else of it may be believed before this is true. */
  readonly verified: boolean;
  /** Why it is not, as OpenSSL's code; '' when it is. */
  readonly problem: string;
}

/** What the handshake of a connection agreed on. */
export interface DownstreamTls {
  /** '' without SNI. */
  readonly serverName: string;
  readonly version: string;
  readonly cipher: string;
  /** '' without ALPN. */
  readonly alpn: string;
  /** Null when none was asked for, or none was presented. */
  readonly clientCertificate: ClientCertificate | null;
  /**
   * False when another connection, for the name of the host, would show a certificate that carries it, and this one showed none
   * that does: whoever sent the request here did not check whom it talks to (RFC 9110 section 15.5.20).
   */
  vouches(host: string): boolean;
}

/** What is known of the connection a request came on. One object per connection, shared by its exchanges. */
export interface DownstreamConnection {
  /** Address of the peer (the client's, when PROXY protocol says so). */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  /** The port the listener is bound to: picks the routing table. */
  readonly localPort: number;
  readonly protocol: 'http/1.1' | 'h2';
  /** Null on cleartext. */
  readonly tls: DownstreamTls | null;
}

/** Gathers the body of a request for a copy of it. */
export interface BodyCopy {
  data(chunk: Buffer): void;
  /** The body is complete. */
  end(): void;
  /** The exchange is over and its body will never be complete. Does nothing after `end`. */
  abort(): void;
}

/** How a WebSocket ended, as far as its frames tell. */
export interface WebSocketClose {
  /** Of the first close frame (RFC 6455 section 7.4); 1005: it had none; 1006: there was no close frame; 0: nobody knows. */
  readonly code: number;
  /** Whose it was; '' without one. */
  readonly by: 'client' | 'backend' | 'proxy' | '';
}

/** Follows the frames of a WebSocket, and holds them to the limits of its route where there are some. */
export interface WebSocketTunnel {
  /** Messages of the client, and of the backend. */
  readonly received: number;
  readonly sent: number;
  readonly close: WebSocketClose;
  /** Why the tunnel is to end: what was wrong with what was not let through, or that nothing is under way any more. */
  readonly ending: ExchangeError | null;
  /** Pass on what may pass. False: the peer is behind. */
  fromClient(exchange: Exchange, chunk: Buffer): boolean;
  fromBackend(exchange: Exchange, chunk: Buffer): boolean;
  /** The tunnel is to end as soon as nothing is under way. True: that is now. */
  leave(error: ExchangeError): boolean;
  /** Tells both sides why the tunnel ends. False: nothing can be said, and both must be cut. */
  sayWhy(exchange: Exchange, error: ExchangeError): boolean;
  /** The tunnel is over. */
  end(): void;
}

/** How far an exchange got; only ever moves to the right. */
export type ExchangePhase = 'request' | 'picked' | 'answering' | 'done';

export class Exchange {
  readonly connection: DownstreamConnection;
  readonly downstream: DownstreamStream;
  /** performance.now() when the first byte of the request was read. */
  readonly startedAt: number;

  /** The client as trusted proxies tell of it, set before anything is done by it; null: it is the peer. */
  client: ForwardedClient | null = null;

  // The request. Codecs fill it in; request filters may change it.
  method = '';
  /** Host header or :authority as it came. */
  authority = '';
  /** Host to match: lower case, no port, no trailing dot. */
  host = '';
  /** Normalised path without query; what is matched is what is forwarded. */
  path = '';
  /** Raw query without '?'; `hasQuery` tells `/a?` from `/a`. */
  query = '';
  hasQuery = false;
  /** Authority and path before any filter changed them: for the log. */
  requestedAuthority = '';
  requestedPath = '';
  requestHeaders: Headers = NO_HEADERS;
  /** Values of the headers that the access log has, as they came; null where it has none. */
  loggedHeaders: (string | null)[] | null = null;
  /** Bytes of the request body; 0 none, UNKNOWN_LENGTH when it just ends. */
  requestLength = 0;
  /** HTTP version of the request: 10, 11 or 20. */
  version = 11;
  /** A gRPC call: the request's method and content type say so. */
  grpc = false;
  /** When the call has to be over, in the time of performance.now(); 0 where nobody set a deadline. */
  deadlineAt = 0;
  /** What the request says of itself, whether or not it comes to anything; for matches. Upgrade (or `:protocol`) and Expect in lower case. */
  contentLength = -1;
  expect = '';
  askedUpgrade = '';
  /** Token of the Upgrade header when the request asks to switch protocols (lower case), or ''. */
  upgrade = '';
  /** The request asked for a 100 before it sends its body, and none was sent yet. */
  expectsContinue = false;

  /** Names of headers that a peer of HTTP/2 wants in no compression table (RFC 7541 section 7.1.3), on either side; null when none. */
  secrets: string[] | null = null;

  // The answer: that of an attempt which was accepted, or a local reply. Response filters may change it.
  status = 0;
  responseHeaders: Headers = NO_HEADERS;
  /** Bytes of its body, or of the one that it leaves out (HEAD, 304); UNKNOWN_LENGTH where none are told. */
  responseLength = 0;
  /** Outcome of a call as far as it is known, -1 before. */
  grpcStatus = -1;
  /** Body of an answer of our own: a local reply or what a filter answered. */
  localBody: Buffer | null = null;

  // Where it went.
  /** The plan taken from the runtime when the head came; the whole exchange follows it. */
  route: RoutePlan | null = null;
  backend: BackendPlan | null = null;
  /** Characters of the path that the matched PathPrefix covers; for ReplacePrefixMatch. */
  prefixLength = 0;
  /** What backends that ask for it are shown of the Gateway it came to; null when there is nothing to show. */
  clientIdentity: ClientIdentity | null = null;
  /** `<namespace>/<gateway>/<listener>` of the listener it matched. */
  listener = '';
  /** The try that is under way, or the last one; null before the first. */
  attempt: Attempt | null = null;
  /** How many there were. */
  attempts = 0;
  /** Endpoints that failed it; the next attempt prefers others. */
  triedEndpoints: UpstreamEndpoint[] | null = null;
  /** What was sent of the body so far, kept for another attempt; null when there is none or it grew too large to keep. */
  replay: KeptBody | null = null;
  /** The body is being taken in before there is an attempt. */
  gathering = false;
  /** Copies of this request that go elsewhere and need its body too; null when there are none. */
  copies: BodyCopy[] | null = null;
  /** A copy itself: nobody waits for its answer and nobody counts it. */
  shadow = false;
  /** Deadline of the whole exchange; null unless the route sets one. */
  requestTimer: Timer | null = null;
  /** Runs between two attempts where the route asks for a pause. */
  backoffTimer: Timer | null = null;

  // How it went.
  phase: ExchangePhase = 'request';
  requestEnded = false;
  requestTrailers: Headers | null = null;
  /** Protocols were switched: from here on both bodies are raw bytes. */
  tunnel = false;
  /** The frames of a tunnel that is a WebSocket; null where it is none. */
  webSocket: WebSocketTunnel | null = null;
  responseEnded = false;
  /** Set when the answer was ours or the exchange failed. */
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

  /** Whose the request is: what is done by client is done by this, and only what is about the connection by its peer. */
  get clientAddress(): string {
    return this.client === null ? this.connection.remoteAddress : this.client.address;
  }

  /** As the client sees it. */
  get scheme(): 'http' | 'https' {
    if (this.client !== null) return this.client.scheme;
    return this.connection.tls === null ? 'http' : 'https';
  }

  /** Takes the answer of an attempt for its own. */
  takeAnswer(attempt: Attempt): void {
    this.status = attempt.status;
    this.responseHeaders = attempt.headers;
    this.responseLength = attempt.length;
  }

  /** The request on the connection of its attempt; null while there is none. */
  get upstream(): UpstreamStream | null {
    return this.attempt === null ? null : this.attempt.stream;
  }
}
