// The only table from failures to gRPC statuses, beside that to HTTP statuses (errors.ts), and the tables by which gRPC derives a status
// from HTTP if a backend sends none: from the status of the answer, or from the code of an RST_STREAM.
import { ERRORS } from './errors.ts';
import type { ExchangeError } from './errors.ts';

/** https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const GRPC_STATUS = Object.freeze({
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
});

/** The largest status. */
export const MAX_GRPC_STATUS = GRPC_STATUS.unauthenticated;

/** By name: an error without a status does not compile. docs/reference/errors.md has the same table. */
const BY_NAME = {
  requestMalformed: GRPC_STATUS.internal,
  requestHeadTooLarge: GRPC_STATUS.resourceExhausted,
  requestTargetTooLong: GRPC_STATUS.resourceExhausted,
  requestBodyTooLarge: GRPC_STATUS.resourceExhausted,
  requestHeadTimeout: GRPC_STATUS.deadlineExceeded,
  requestBodyTimeout: GRPC_STATUS.deadlineExceeded,
  clientTooSlow: GRPC_STATUS.resourceExhausted,
  requestCodingUnsupported: GRPC_STATUS.internal,
  versionUnsupported: GRPC_STATUS.internal,
  protocolUnknown: GRPC_STATUS.internal,
  expectationFailed: GRPC_STATUS.internal,
  misdirectedRequest: GRPC_STATUS.unavailable,
  clientUnknown: GRPC_STATUS.permissionDenied,
  rateLimited: GRPC_STATUS.resourceExhausted,
  limitUnavailable: GRPC_STATUS.unavailable,
  requestBlocked: GRPC_STATUS.permissionDenied,
  accessDenied: GRPC_STATUS.permissionDenied,
  csrfRefused: GRPC_STATUS.permissionDenied,
  jsonMalformed: GRPC_STATUS.invalidArgument,
  contentCodingMalformed: GRPC_STATUS.invalidArgument,
  bodyUnreadable: GRPC_STATUS.invalidArgument,
  pathRefused: GRPC_STATUS.invalidArgument,
  requestInvalid: GRPC_STATUS.invalidArgument,
  mediaTypeRefused: GRPC_STATUS.unimplemented,
  pathUndocumented: GRPC_STATUS.unimplemented,
  methodUndocumented: GRPC_STATUS.unimplemented,
  jsonLimitExceeded: GRPC_STATUS.invalidArgument,
  grpcMethodUnknown: GRPC_STATUS.unimplemented,
  messageInvalid: GRPC_STATUS.invalidArgument,
  grpcMessageRefused: GRPC_STATUS.permissionDenied,
  grpcAnswerRefused: GRPC_STATUS.permissionDenied,
  grpcMessageMalformed: GRPC_STATUS.invalidArgument,
  contentCodingRefused: GRPC_STATUS.unimplemented,
  authenticationRequired: GRPC_STATUS.unauthenticated,
  authenticationFailed: GRPC_STATUS.unauthenticated,
  credentialRevoked: GRPC_STATUS.unauthenticated,
  authenticationUnavailable: GRPC_STATUS.unavailable,
  downstreamReset: GRPC_STATUS.cancelled,
  deadlineMalformed: GRPC_STATUS.internal,
  deadlineExceeded: GRPC_STATUS.deadlineExceeded,
  idleTimeout: GRPC_STATUS.unavailable,
  connectionClosed: GRPC_STATUS.unavailable,
  connectionCut: GRPC_STATUS.unavailable,
  listenerUnserved: GRPC_STATUS.unavailable,
  routeNotFound: GRPC_STATUS.unimplemented,
  routeInvalid: GRPC_STATUS.internal,
  policyUnresolved: GRPC_STATUS.internal,
  maintenance: GRPC_STATUS.unavailable,
  processorFailed: GRPC_STATUS.unavailable,
  processorRefused: GRPC_STATUS.permissionDenied,
  pluginRefused: GRPC_STATUS.permissionDenied,
  notCached: GRPC_STATUS.unavailable,
  answerUnresolved: GRPC_STATUS.internal,
  documentUnresolved: GRPC_STATUS.internal,
  answerNotGrpc: GRPC_STATUS.unavailable,
  backendInvalid: GRPC_STATUS.unavailable,
  noBackends: GRPC_STATUS.unavailable,
  weightsZero: GRPC_STATUS.unavailable,
  noEndpoints: GRPC_STATUS.unavailable,
  circuitOpen: GRPC_STATUS.unavailable,
  overloaded: GRPC_STATUS.unavailable,
  faultInjected: GRPC_STATUS.unavailable,
  filterTimeout: GRPC_STATUS.unavailable,
  pluginFailed: GRPC_STATUS.internal,
  pluginTimeout: GRPC_STATUS.unavailable,
  pluginMemory: GRPC_STATUS.unavailable,
  pluginUnavailable: GRPC_STATUS.unavailable,
  internalError: GRPC_STATUS.internal,
  upstreamConnectFailed: GRPC_STATUS.unavailable,
  upstreamConnectTimeout: GRPC_STATUS.unavailable,
  upstreamVanished: GRPC_STATUS.unavailable,
  upstreamTlsFailed: GRPC_STATUS.unavailable,
  upstreamReset: GRPC_STATUS.unavailable,
  upstreamRefused: GRPC_STATUS.unavailable,
  upstreamMalformed: GRPC_STATUS.internal,
  upstreamHeadTooLarge: GRPC_STATUS.resourceExhausted,
  upstreamTimeout: GRPC_STATUS.deadlineExceeded,
  answerTooLarge: GRPC_STATUS.internal,
  answerInvalid: GRPC_STATUS.internal,
  answerUnreadable: GRPC_STATUS.internal,
  upstreamBodyTruncated: GRPC_STATUS.unavailable,
  upstreamCannotUpgrade: GRPC_STATUS.internal,
  upstreamNotGrpc: GRPC_STATUS.unknown,
  requestTimeout: GRPC_STATUS.deadlineExceeded,
  hubRequestMalformed: GRPC_STATUS.invalidArgument,
  hubMessageMalformed: GRPC_STATUS.invalidArgument,
  hubMethodRefused: GRPC_STATUS.unimplemented,
  hubClientTooSlow: GRPC_STATUS.resourceExhausted,
  hubUnavailable: GRPC_STATUS.unavailable,
  idempotencyKeyMissing: GRPC_STATUS.invalidArgument,
  idempotencyKeyMalformed: GRPC_STATUS.invalidArgument,
  idempotencyKeyInUse: GRPC_STATUS.aborted,
  idempotencyAnswerLost: GRPC_STATUS.aborted,
  idempotencyKeyReused: GRPC_STATUS.invalidArgument,
  idempotencyUnavailable: GRPC_STATUS.unavailable,
  webSocketMalformed: GRPC_STATUS.internal,
  webSocketTooFast: GRPC_STATUS.resourceExhausted,
  webSocketExpired: GRPC_STATUS.unavailable,
  webSocketTooLarge: GRPC_STATUS.resourceExhausted,
  methodUnsupported: GRPC_STATUS.unimplemented,
  upgradeUnsupported: GRPC_STATUS.unimplemented,
} as const satisfies Record<keyof typeof ERRORS, number>;

const BY_CODE: ReadonlyMap<string, number> = new Map(
  Object.entries(ERRORS).map(([name, error]) => [error.code, BY_NAME[name as keyof typeof ERRORS]]),
);

/** The gRPC status of a failure. */
export function grpcStatusOf(error: ExchangeError): number {
  if (error.grpcStatus >= 0) return error.grpcStatus;
  return BY_CODE.get(error.code) ?? GRPC_STATUS.unknown;
}

/** By gRPC status (google/rpc/code.proto). */
const HTTP_STATUSES: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** The HTTP status of a gRPC status. */
export function httpStatusOfGrpc(status: number): number {
  return HTTP_STATUSES[status] ?? 500;
}

/** The gRPC status of an answer that is not gRPC. https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
export function grpcStatusOfHttp(status: number): number {
  switch (status) {
    case 400:
      return GRPC_STATUS.internal;
    case 401:
      return GRPC_STATUS.unauthenticated;
    case 403:
      return GRPC_STATUS.permissionDenied;
    case 404:
      return GRPC_STATUS.unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GRPC_STATUS.unavailable;
    default:
      return GRPC_STATUS.unknown;
  }
}

/** By RFC 9113 error code; the section "HTTP2 Transport Mapping" of the gRPC protocol. STREAM_CLOSED has no mapping. */
const BY_RESET: readonly number[] = [
  GRPC_STATUS.internal,
  GRPC_STATUS.internal,
  GRPC_STATUS.internal,
  GRPC_STATUS.internal,
  GRPC_STATUS.internal,
  GRPC_STATUS.unknown,
  GRPC_STATUS.internal,
  GRPC_STATUS.unavailable,
  GRPC_STATUS.cancelled,
  GRPC_STATUS.internal,
  GRPC_STATUS.internal,
  GRPC_STATUS.resourceExhausted,
  GRPC_STATUS.permissionDenied,
];

/** The gRPC status of a stream that was reset with this code. */
export function grpcStatusOfReset(code: number): number {
  return BY_RESET[code] ?? GRPC_STATUS.unknown;
}
