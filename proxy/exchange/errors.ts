// The only table from failures to statuses: every failure of an exchange, the party that caused it, and whether another attempt is safe.

/** The party that failed. */
export type ErrorSource = 'downstream' | 'upstream' | 'internal';

/** A kind of failure. `retriable`: the backend received nothing, so another attempt cannot act twice. */
export interface ExchangeError {
  readonly code: string;
  readonly source: ErrorSource;
  readonly status: number;
  readonly retriable: boolean;
  /** A sentence for the answer and the documentation: it says what happened, never what the request contained. */
  readonly title: string;
  /** The details of this failure, for the log only; '' if the code says everything. */
  readonly detail: string;
  /** The status for gRPC calls in place of that of the table in grpc-status.ts; -1: that of the table. */
  readonly grpcStatus: number;
  /** Of the close frame of a WebSocket, in place of the code for the failure and its title; null: these. */
  readonly close: { readonly code: number; readonly reason: string } | null;
  /** The policy that cannot be applied, `<Kind>/<namespace>/<name>`; '' for other failures. */
  readonly policy: string;
}

function define(code: string, source: ErrorSource, status: number, title: string, retriable = false): ExchangeError {
  return Object.freeze({ code, source, status, retriable, title, detail: '', grpcStatus: -1, close: null, policy: '' });
}

/** The same failure with details. */
export function withDetail(error: ExchangeError, detail: string): ExchangeError {
  return Object.freeze({ ...error, detail });
}

/** The same failure with other statuses, for requests and for gRPC calls. */
export function withStatuses(error: ExchangeError, status: number, grpcStatus: number): ExchangeError {
  return Object.freeze({ ...error, status, grpcStatus });
}

/** All failures; docs/reference/errors.md lists the same codes, and a test compares them. */
export const ERRORS = Object.freeze({
  requestMalformed: define('request_malformed', 'downstream', 400, 'The request is not valid HTTP'),
  requestHeadTooLarge: define('request_head_too_large', 'downstream', 431, 'The request header block is too large'),
  requestTargetTooLong: define('request_target_too_long', 'downstream', 414, 'The request target is too long'),
  requestBodyTooLarge: define('request_body_too_large', 'downstream', 413, 'The request body is too large'),
  requestHeadTimeout: define('request_head_timeout', 'downstream', 408, 'The request header did not arrive in time'),
  requestBodyTimeout: define('request_body_timeout', 'downstream', 408, 'The request body did not arrive in time'),
  clientTooSlow: define('client_too_slow', 'downstream', 408, 'The client is too slow while others wait'),
  requestCodingUnsupported: define('request_coding_unsupported', 'downstream', 501, 'The transfer coding is not supported'),
  methodUnsupported: define('method_unsupported', 'downstream', 501, 'The method is not supported'),
  upgradeUnsupported: define('upgrade_unsupported', 'downstream', 501, 'The protocol to switch to is not supported'),
  versionUnsupported: define('version_unsupported', 'downstream', 505, 'The HTTP version is not supported'),
  protocolUnknown: define('protocol_unknown', 'downstream', 400, 'The connection does not speak HTTP'),
  expectationFailed: define('expectation_failed', 'downstream', 417, 'The expectation cannot be met'),
  misdirectedRequest: define('misdirected_request', 'downstream', 421, 'This connection does not serve the requested host'),
  clientUnknown: define('client_unknown', 'downstream', 403, 'The proxies in front do not report the client of this request'),
  rateLimited: define('rate_limited', 'downstream', 429, 'The caller sends more requests than it may'),
  requestBlocked: define('request_blocked', 'downstream', 403, 'The source of the request is blocked for a time'),
  accessDenied: define('access_denied', 'downstream', 403, 'The client may not make this request'),
  csrfRefused: define('csrf_refused', 'downstream', 403, 'The request comes from a page that may not make it'),
  jsonMalformed: define('json_malformed', 'downstream', 400, 'The body of the request is not valid JSON'),
  requestInvalid: define('request_invalid', 'downstream', 400, 'The request does not fit the API document of the route'),
  mediaTypeRefused: define('media_type_refused', 'downstream', 415, 'The API document of the route does not have the type of the body'),
  pathUndocumented: define('path_undocumented', 'downstream', 404, 'The API document of the route does not have the path'),
  methodUndocumented: define(
    'method_undocumented',
    'downstream',
    405,
    'The API document of the route does not have the method for the path',
  ),
  jsonLimitExceeded: define('json_limit_exceeded', 'downstream', 400, 'The JSON of the request is beyond a limit'),
  bodyUnreadable: define('body_unreadable', 'downstream', 400, 'The body of the request cannot be read, and it must be changed'),
  contentCodingRefused: define('content_coding_refused', 'downstream', 415, 'The coding of the request body is not accepted'),
  contentCodingMalformed: define('content_coding_malformed', 'downstream', 400, 'The body of the request does not have its coding'),
  pathRefused: define('path_refused', 'downstream', 400, 'The path of the request becomes one that no backend may get'),
  grpcMethodUnknown: define('grpc_method_unknown', 'downstream', 404, 'No gRPC method has the path of the request'),
  messageInvalid: define('message_invalid', 'downstream', 400, 'The request is not a message of its gRPC method'),
  grpcMessageRefused: define('grpc_message_refused', 'downstream', 403, 'A rule of the route refuses the message of the call'),
  grpcAnswerRefused: define('grpc_answer_refused', 'upstream', 502, 'A rule of the route refuses the answer of the backend'),
  grpcMessageMalformed: define('grpc_message_malformed', 'downstream', 400, 'The message of the call cannot be read'),
  authenticationRequired: define('authentication_required', 'downstream', 401, 'The request has no credentials that the route accepts'),
  authenticationFailed: define('authentication_failed', 'downstream', 401, 'The credentials of the request are not valid'),
  credentialRevoked: define('credential_revoked', 'downstream', 401, 'The credentials of the request do not hold any more'),
  authenticationUnavailable: define('authentication_unavailable', 'internal', 503, 'The credentials of the request cannot be verified now'),
  downstreamReset: define('downstream_reset', 'downstream', 499, 'The connection was closed before the answer was complete'),
  deadlineMalformed: define('deadline_malformed', 'downstream', 400, 'The deadline of the caller cannot be read'),
  deadlineExceeded: define('deadline_exceeded', 'downstream', 504, 'The deadline of the caller passed'),
  notCached: define('not_cached', 'downstream', 504, 'The client accepts stored answers only, and none is stored'),
  idleTimeout: define('idle_timeout', 'downstream', 408, 'Nothing was sent either way for too long'),
  connectionClosed: define('connection_closed', 'internal', 503, 'An operator closed the connection'),
  connectionCut: define('connection_cut', 'internal', 503, 'The proxy ended the connection before its peers did'),
  webSocketMalformed: define('websocket_malformed', 'downstream', 400, 'A frame of the WebSocket is not as its protocol has it'),
  webSocketTooFast: define('websocket_too_fast', 'downstream', 429, 'The client sends more messages on the WebSocket than it may'),
  webSocketExpired: define('websocket_expired', 'internal', 408, 'The WebSocket has lived as long as it may'),
  webSocketTooLarge: define('websocket_too_large', 'downstream', 413, 'A frame or message of the WebSocket is too large'),
  hubRequestMalformed: define('hub_request_malformed', 'downstream', 400, 'The request is not one that a hub of topics can serve'),
  hubMessageMalformed: define('hub_message_malformed', 'downstream', 400, 'The message is neither JSON nor text, as its type says'),
  hubMethodRefused: define('hub_method_refused', 'downstream', 405, 'A hub of topics takes GET and POST only'),
  hubClientTooSlow: define('hub_client_too_slow', 'downstream', 408, 'The client reads more slowly than its topics have messages'),
  hubUnavailable: define('hub_unavailable', 'internal', 503, 'The topics of the hub are not available now'),
  idempotencyKeyMissing: define('idempotency_key_missing', 'downstream', 400, 'The request needs an idempotency key'),
  idempotencyKeyMalformed: define('idempotency_key_malformed', 'downstream', 400, 'The idempotency key is not valid'),
  idempotencyKeyInUse: define('idempotency_key_in_use', 'downstream', 409, 'The request with this idempotency key is not answered yet'),
  idempotencyAnswerLost: define('idempotency_answer_lost', 'internal', 409, 'The request was done before, and its answer is not kept'),
  idempotencyKeyReused: define('idempotency_key_reused', 'downstream', 422, 'The idempotency key belongs to another request'),
  idempotencyUnavailable: define('idempotency_unavailable', 'internal', 503, 'Idempotency keys cannot be looked up now'),
  listenerUnserved: define('listener_unserved', 'internal', 503, 'The listener of the requested host cannot be served'),
  routeNotFound: define('route_not_found', 'internal', 404, 'No route matches the request'),
  routeInvalid: define('route_invalid', 'internal', 500, 'The route that matches the request is not valid'),
  limitUnavailable: define('limit_unavailable', 'internal', 503, 'The requests of the caller cannot be counted'),
  policyUnresolved: define('policy_unresolved', 'internal', 500, 'A policy that protects the route cannot be applied'),
  maintenance: define('maintenance', 'internal', 503, 'The service is under maintenance'),
  answerUnresolved: define('answer_unresolved', 'internal', 500, 'The fixed answer of the route has no body'),
  documentUnresolved: define('document_unresolved', 'internal', 500, 'The API document of the route cannot be used'),
  answerNotGrpc: define('answer_not_grpc', 'internal', 503, 'The route has a fixed answer, which is not gRPC'),
  backendInvalid: define('backend_invalid', 'internal', 500, 'The backend of the route is not valid'),
  noBackends: define('no_backends', 'internal', 500, 'The route has no backend'),
  weightsZero: define('weights_zero', 'internal', 503, 'All backends of the route have weight 0'),
  noEndpoints: define('no_endpoints', 'upstream', 503, 'The backend has no endpoint'),
  circuitOpen: define('circuit_open', 'upstream', 503, 'The backend fails, and its circuit breaker is open'),
  overloaded: define('overloaded', 'internal', 503, 'The proxy is at its limits'),
  filterTimeout: define('filter_timeout', 'internal', 503, 'A filter of the route did not decide in time'),
  processorFailed: define('processor_failed', 'internal', 503, 'The external processor of the route fails'),
  processorRefused: define('processor_refused', 'downstream', 403, 'The external processor of the route refuses the request'),
  pluginFailed: define('plugin_failed', 'internal', 500, 'A plugin of the route failed'),
  pluginRefused: define('plugin_refused', 'downstream', 403, 'A plugin of the route refuses the request'),
  pluginTimeout: define('plugin_timeout', 'internal', 503, 'A plugin of the route took too long'),
  pluginMemory: define('plugin_memory', 'internal', 503, 'A plugin of the route used too much memory'),
  pluginUnavailable: define('plugin_unavailable', 'internal', 503, 'A plugin of the route cannot be used now'),
  faultInjected: define('fault_injected', 'internal', 503, 'The error is injected on purpose'),
  internalError: define('internal_error', 'internal', 500, 'The proxy failed'),
  upstreamConnectFailed: define('upstream_connect_failed', 'upstream', 502, 'The backend could not be reached', true),
  upstreamConnectTimeout: define('upstream_connect_timeout', 'upstream', 504, 'The backend could not be reached in time', true),
  upstreamTlsFailed: define('upstream_tls_failed', 'upstream', 502, 'No secure connection to the backend could be made', true),
  upstreamReset: define('upstream_reset', 'upstream', 502, 'The backend closed the connection before it answered'),
  upstreamRefused: define('upstream_refused', 'upstream', 503, 'The backend refused the request before it read it', true),
  upstreamVanished: define('upstream_vanished', 'upstream', 504, 'The backend vanished before it answered'),
  upstreamMalformed: define('upstream_malformed', 'upstream', 502, 'The backend did not answer with valid HTTP'),
  upstreamHeadTooLarge: define('upstream_head_too_large', 'upstream', 502, 'The header block of the answer is too large'),
  upstreamTimeout: define('upstream_timeout', 'upstream', 504, 'The backend did not answer in time'),
  answerTooLarge: define('answer_too_large', 'upstream', 502, 'The answer of the backend is too large to be changed'),
  answerInvalid: define('answer_invalid', 'upstream', 502, 'The answer of the backend does not fit the API document of the route'),
  answerUnreadable: define('answer_unreadable', 'upstream', 502, 'The body of the answer cannot be read, and it must be changed'),
  upstreamBodyTruncated: define('upstream_body_truncated', 'upstream', 502, 'The answer of the backend ended too early'),
  upstreamCannotUpgrade: define('upstream_cannot_upgrade', 'upstream', 502, 'The backend does not take WebSockets over HTTP/2'),
  upstreamNotGrpc: define('upstream_not_grpc', 'upstream', 502, 'The backend did not answer with gRPC'),
  requestTimeout: define('request_timeout', 'upstream', 504, 'The request took longer than the route allows'),
});

/** A policy that protects the route cannot be applied, for the reason. */
export function unresolvedPolicy(policy: string, reason: string): ExchangeError {
  return Object.freeze({ ...ERRORS.policyUnresolved, policy, detail: reason });
}

/** An operator closes a connection, a WebSocket with a close frame that has this code and reason. */
export function closedByOperator(code: number, reason: string): ExchangeError {
  return Object.freeze({ ...ERRORS.connectionClosed, close: Object.freeze({ code, reason }) });
}
