// The names of the limits of a proxy, as in GatewayParameters. A test compares the list with the flags of the proxy.

/** Limits that are numbers, of bytes or of items. */
export const COUNT_LIMITS = [
  'max-head-bytes',
  'max-headers',
  'max-target-bytes',
  'max-request-body-bytes',
  'min-request-body-rate',
  'min-response-rate',
  'max-chunk-line-bytes',
  'max-requests-per-connection',
  'max-linger-bytes',
  'max-streams-per-connection',
  'stream-window-bytes',
  'connection-window-bytes',
  'max-stream-resets',
  'max-control-frames',
  'max-connections',
  'max-connect-attempts',
  'max-idle-per-endpoint',
  'max-connections-per-endpoint',
  'max-slow-per-endpoint',
  'max-gathered-bytes',
  'max-streams-per-upstream',
  'max-pending-per-endpoint',
  'max-replay-bytes',
  'max-mirrors',
  'max-mirror-body-bytes',
  'max-response-head-bytes',
  'max-informational',
  'max-buffered-bytes',
  'max-datagram-sessions',
  'max-metric-routes',
  'max-metric-endpoints',
] as const;

/** Limits that are durations. */
export const TIME_LIMITS = [
  'tls-handshake-timeout',
  'request-head-timeout',
  'request-body-idle-timeout',
  'linger-timeout',
  'downstream-idle-timeout',
  'downstream-write-timeout',
  'connect-timeout',
  'upstream-idle-timeout',
  'pool-idle-timeout',
  'pending-timeout',
  'slow-client-timeout',
  'proxy-header-timeout',
  'tunnel-idle-timeout',
  'bind-timeout',
  'datagram-idle-timeout',
] as const;

/** Limits for which 0 means unlimited. */
export const UNLIMITED_AT_0: ReadonlySet<string> = new Set([
  'max-request-body-bytes',
  'min-request-body-rate',
  'min-response-rate',
  'max-slow-per-endpoint',
  'max-gathered-bytes',
  'max-requests-per-connection',
  'max-connections',
  'max-idle-per-endpoint',
  'max-metric-routes',
  'max-metric-endpoints',
]);
