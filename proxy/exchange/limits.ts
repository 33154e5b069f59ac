// Every limit and timeout of the request path with its default: what a proxy holds to when no policy says otherwise.

/** Sizes in bytes, times in milliseconds; 0 turns a timeout off. */
export interface Limits {
  /** Request line and header block together; also trailers. RFC 9110 section 5.4 leaves the number to us; Envoy has 60 KiB, Node 16 KiB. */
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly maxTargetBytes: number;
  /** Request body; 0 is unlimited. */
  readonly maxRequestBodyBytes: number;
  /** Chunk size line with its extensions. */
  readonly maxChunkLineBytes: number;
  /** Requests on one downstream connection before it is closed; 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  /** A request that is answered before it was read is read on so that its client sees the answer: this much of it at most, and for so long. */
  readonly maxLingerBytes: number;
  readonly lingerTimeout: number;
  /** Open requests on one HTTP/2 connection; those beyond are refused for the client to send again. */
  readonly maxStreamsPerConnection: number;
  /** Bodies that may be on their way to us on one HTTP/2 stream and connection: what a peer that does not read costs. Towards backends the window of the connection is as good as that of its streams. At least 65,535. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** HTTP/2 streams of one connection that may be reset in 10 s before they are answered, by the client within a second or because of it. */
  readonly maxStreamResets: number;
  /** HTTP/2 frames of one connection in 10 s that neither ask for anything nor go with an answer: SETTINGS, PING, empty ones. */
  readonly maxControlFrames: number;
  /** Open downstream connections of one worker. */
  readonly maxConnections: number;
  /** Header of the PROXY protocol, from accept, where a listener asks for one. */
  readonly proxyHeaderTimeout: number;
  /** TLS handshake, from accept. */
  readonly tlsHandshakeTimeout: number;
  /** From the first byte of a request to the end of its head. */
  readonly requestHeadTimeout: number;
  /** Longest silence within a request body, and how far its client may be behind the least rate. */
  readonly requestBodyIdleTimeout: number;
  /** Bytes per second that a client has to send of a body, on average; 0: as few as it likes, but for the timeout. Apache: 500, Kestrel: 240. */
  readonly minRequestBodyRate: number;
  /** How long a kept connection may be silent between requests, and after accept. */
  readonly downstreamIdleTimeout: number;
  /** Longest time that a downstream may take nothing of a pending answer, and how far it may be behind the least rate. */
  readonly downstreamWriteTimeout: number;
  /** Bytes per second that a client has to take of an answer that waits for it, on average; 0: as few as it likes, but for the timeout. */
  readonly minResponseRate: number;
  readonly connectTimeout: number;
  /** Endpoints that are tried for a connection of a stream route; requests have their own rules. */
  readonly maxConnectAttempts: number;
  /** Longest silence of an upstream that has the whole request, or longest time that it takes nothing of it. */
  readonly upstreamIdleTimeout: number;
  /** Idle kept upstream connections are closed after this: below what common backends use (Node 5 s, Go and nginx 60 s and more). */
  readonly poolIdleTimeout: number;
  readonly maxIdlePerEndpoint: number;
  readonly maxConnectionsPerEndpoint: number;
  /** Connections to one endpoint beside those, that wait for slow clients or have a long body to pass on; 0: they count among those. */
  readonly maxSlowPerEndpoint: number;
  /** How far behind the least rate a client is slow. */
  readonly slowClientTimeout: number;
  /** Request bodies that one worker gathers before it takes a connection for them; 0: none are. */
  readonly maxGatheredBytes: number;
  /** Exchanges at a time on one HTTP/2 connection to an endpoint, if that allows as many; those beyond open another. */
  readonly maxStreamsPerUpstream: number;
  /** Exchanges that may wait for a connection to one endpoint. */
  readonly maxPendingPerEndpoint: number;
  /** How long each of them may wait. */
  readonly pendingTimeout: number;
  /** What is kept of a request body so that another attempt can send it again; larger ones are sent once. */
  readonly maxReplayBytes: number;
  /** Copies of requests under way (RequestMirror), and the body of each; those beyond are not sent. */
  readonly maxMirrors: number;
  readonly maxMirrorBodyBytes: number;
  /** Answer head of an upstream. */
  readonly maxResponseHeadBytes: number;
  /** 1xx answers before the answer proper. */
  readonly maxInformational: number;
  /** Silence in both directions of a tunnel (WebSocket) or of a connection that is passed on as a whole. */
  readonly tunnelIdleTimeout: number;
  /** Bytes waiting to be written to one peer before its source is paused; never less than the sockets' own mark (64 KiB). */
  readonly maxBufferedBytes: number;
  /** How long a proxy that starts waits for ports that cannot be bound before it is ready with the others. */
  readonly bindTimeout: number;
  /** Silence after which what a peer sends to a UDP port may go to another endpoint. */
  readonly datagramIdleTimeout: number;
  /** Peers of UDP ports of one worker at a time; each takes a file descriptor. */
  readonly maxDatagramSessions: number;
  /** Pairs of listener and route with series of their own in the metrics of one worker; those beyond share one. 2,000 are read in some 10 ms and make 3 MB of text. */
  readonly maxMetricRoutes: number;
  /** Backends, and endpoints over all of them, with series of their own in the metrics of one worker; those beyond share one. */
  readonly maxMetricEndpoints: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxHeadBytes: 32_768,
  maxHeaders: 128,
  maxTargetBytes: 8_192,
  maxRequestBodyBytes: 0,
  maxChunkLineBytes: 256,
  maxRequestsPerConnection: 0,
  maxLingerBytes: 67_108_864,
  lingerTimeout: 5_000,
  maxStreamsPerConnection: 100,
  streamWindowBytes: 262_144,
  connectionWindowBytes: 1_048_576,
  maxStreamResets: 500,
  maxControlFrames: 1_000,
  maxConnections: 20_000,
  proxyHeaderTimeout: 5_000,
  tlsHandshakeTimeout: 10_000,
  requestHeadTimeout: 10_000,
  requestBodyIdleTimeout: 60_000,
  minRequestBodyRate: 240,
  downstreamIdleTimeout: 75_000,
  downstreamWriteTimeout: 60_000,
  minResponseRate: 240,
  connectTimeout: 5_000,
  maxConnectAttempts: 3,
  upstreamIdleTimeout: 60_000,
  poolIdleTimeout: 4_000,
  maxIdlePerEndpoint: 256,
  maxConnectionsPerEndpoint: 1_024,
  maxSlowPerEndpoint: 8_192,
  slowClientTimeout: 250,
  maxGatheredBytes: 67_108_864,
  maxStreamsPerUpstream: 100,
  maxPendingPerEndpoint: 1_024,
  pendingTimeout: 10_000,
  maxReplayBytes: 65_536,
  maxMirrors: 256,
  maxMirrorBodyBytes: 65_536,
  maxResponseHeadBytes: 65_536,
  maxInformational: 32,
  tunnelIdleTimeout: 3_600_000,
  maxBufferedBytes: 131_072,
  bindTimeout: 60_000,
  datagramIdleTimeout: 60_000,
  maxDatagramSessions: 4_096,
  maxMetricRoutes: 2_000,
  maxMetricEndpoints: 1_000,
});
