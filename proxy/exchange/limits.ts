// Every limit and timeout of the request path with its default, which applies if no policy sets it.
import { DEFAULT_STALL_MS } from '#lib/event-loop/stall-watch.ts';

/** Sizes in bytes, times in milliseconds; 0 turns a timeout off. */
export interface Limits {
  /** Request line and header block together; also trailers. RFC 9110 section 5.4 defines no number; Envoy has 60 KiB, Node 16 KiB. */
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly maxTargetBytes: number;
  /** Request body; 0 is unlimited. */
  readonly maxRequestBodyBytes: number;
  /** A chunk size line with its extensions. */
  readonly maxChunkLineBytes: number;
  /** Requests on one downstream connection before it is closed; 0 is unlimited. */
  readonly maxRequestsPerConnection: number;
  /**
   * After an answer that precedes the end of its request, the proxy reads on so that the client sees the answer: up to this many bytes, and
   * for this long.
   */
  readonly maxLingerBytes: number;
  readonly lingerTimeout: number;
  /** Open requests on one HTTP/2 connection; more are refused, and the client may send them again. */
  readonly maxStreamsPerConnection: number;
  /**
   * The windows of an HTTP/2 stream and connection for received bodies: the maximum that the proxy may have to buffer. Towards backends the
   * connection's window does not limit its streams. At least 65,535.
   */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /**
   * HTTP/2 streams of one connection that may be reset within 10 s before their answers are complete, by the client within a second or
   * because of an error of the client.
   */
  readonly maxStreamResets: number;
  /** HTTP/2 frames of one connection within 10 s that neither request something nor belong to an answer: SETTINGS, PING, empty ones. */
  readonly maxControlFrames: number;
  /** Open downstream connections of one worker. */
  readonly maxConnections: number;
  /** The header of the PROXY protocol, from accept, if a listener requires one. */
  readonly proxyHeaderTimeout: number;
  /** TLS handshake, from accept. */
  readonly tlsHandshakeTimeout: number;
  /** From the first byte of a request to the end of its head. */
  readonly requestHeadTimeout: number;
  /** The longest pause within a request body, and the longest lag of its client behind the minimum rate. */
  readonly requestBodyIdleTimeout: number;
  /** Bytes per second that a client must send of a body on average; 0: no minimum, only the timeout. Apache: 500, Kestrel: 240. */
  readonly minRequestBodyRate: number;
  /** The longest pause of a kept connection between requests, and after accept. */
  readonly downstreamIdleTimeout: number;
  /** The longest time without progress of a client with a pending answer, and its longest lag behind the minimum rate. */
  readonly downstreamWriteTimeout: number;
  /** Bytes per second that a client must receive of a pending answer on average; 0: no minimum, only the timeout. */
  readonly minResponseRate: number;
  readonly connectTimeout: number;
  /**
   * The silence of an endpoint with a waiting request after which the proxy opens another connection to it, to find endpoints that vanished
   * (upstream/vanished.ts). For one request it doubles each time.
   */
  readonly doubtTimeout: number;
  /** Endpoints that a connection of a stream route may try; requests have their own rules. */
  readonly maxConnectAttempts: number;
  /** The longest pause of a backend that has the whole request, or the longest time without progress in sending it. */
  readonly upstreamIdleTimeout: number;
  /**
   * Idle upstream connections are closed after this time, which is below that of common backends (Node 5 s, Go and nginx 60 s and more).
   */
  readonly poolIdleTimeout: number;
  readonly maxIdlePerEndpoint: number;
  readonly maxConnectionsPerEndpoint: number;
  /** Additional connections to one endpoint that wait for slow clients or carry a long body; 0: they count with the others. */
  readonly maxSlowPerEndpoint: number;
  /** A client is slow if its lag behind the minimum rate exceeds this. */
  readonly slowClientTimeout: number;
  /** Request bodies that one worker collects before it takes a connection for them; 0: none. */
  readonly maxGatheredBytes: number;
  /** Concurrent exchanges on one HTTP/2 connection to an endpoint, if the endpoint allows as many; more open another connection. */
  readonly maxStreamsPerUpstream: number;
  /** Exchanges that may wait for a connection to one endpoint. */
  readonly maxPendingPerEndpoint: number;
  /** The longest wait of each of them. */
  readonly pendingTimeout: number;
  /** The part of a request body that is kept for another attempt; a larger body is sent once. */
  readonly maxReplayBytes: number;
  /** Concurrent copies of requests (RequestMirror), and the body of each; more are not sent. */
  readonly maxMirrors: number;
  readonly maxMirrorBodyBytes: number;
  /** Stored answers of a worker. */
  readonly maxCacheBytes: number;
  /** The head of an answer of a backend. */
  readonly maxResponseHeadBytes: number;
  /** The longest wait for a filter that sets no time itself. */
  readonly filterTimeout: number;
  /** 1xx answers before the final answer. */
  readonly maxInformational: number;
  /** The longest pause in both directions of a tunnel (WebSocket) or of a TCP or TLS connection. */
  readonly tunnelIdleTimeout: number;
  /** Bytes that wait to be written to one peer before its source is paused; at least the sockets' own mark (64 KiB). */
  readonly maxBufferedBytes: number;
  /** A starting proxy waits this long for ports that cannot be bound before it is ready with the others. */
  readonly bindTimeout: number;
  /** After this pause, datagrams of a peer to a UDP port may go to another endpoint. */
  readonly datagramIdleTimeout: number;
  /** Concurrent peers of the UDP ports of one worker; each takes a file descriptor. */
  readonly maxDatagramSessions: number;
  /** The delay of the event loop at which a worker begins to refuse requests; each doubling is one severity more (overload/signal.ts). */
  readonly shedLoopDelay: number;
  /** The shares of the memory limit of the container, and of the time of the event loop, at which it begins; percent, 0 is never. */
  readonly shedMemoryPercent: number;
  readonly shedCpuPercent: number;
  /** The delay of the event loop of a process from which on it is a stall, milliseconds; 0 is never. */
  readonly stallDelay: number;
  /**
   * Pairs of listener and route with their own series in the metrics of one worker; the others share one. 2,000 pairs are read in about 10
   * ms and make 3 MB of text.
   */
  readonly maxMetricRoutes: number;
  /** Backends, and endpoints of all backends, with their own series in the metrics of one worker; the others share one. */
  readonly maxMetricEndpoints: number;
  /** Bytes of each signal (traces, logs, metrics) that wait in a worker for an OpenTelemetry collector or are under way to it. */
  readonly maxOtlpQueueBytes: number;
  /** Lines of the access log that a worker keeps in memory about requests that ended lately (--recent-requests). */
  readonly maxRecentRequestBytes: number;
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
  doubtTimeout: 2_000,
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
  maxCacheBytes: 67_108_864,
  maxResponseHeadBytes: 65_536,
  filterTimeout: 5_000,
  maxInformational: 32,
  tunnelIdleTimeout: 3_600_000,
  maxBufferedBytes: 131_072,
  bindTimeout: 60_000,
  datagramIdleTimeout: 60_000,
  maxDatagramSessions: 4_096,
  shedLoopDelay: 100,
  shedMemoryPercent: 90,
  shedCpuPercent: 95,
  stallDelay: DEFAULT_STALL_MS,
  maxMetricRoutes: 2_000,
  maxMetricEndpoints: 1_000,
  maxOtlpQueueBytes: 8_388_608,
  maxRecentRequestBytes: 1_048_576,
});
