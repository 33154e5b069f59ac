// The outcomes of a probe, and the table from errors of sockets and parsers to them.

/** The reasons for a failed probe; docs/reference/health.md lists them, and a test compares the lists. */
export const PROBE_FAULTS = [
  'connect_failed',
  'tls_failed',
  'timeout',
  'closed',
  'malformed',
  'too_large',
  'status',
  'body',
  'grpc_status',
  'not_serving',
  'bytes',
] as const;
export type ProbeFault = (typeof PROBE_FAULTS)[number];

/** A failed probe. `detail` is for the log. */
export interface ProbeFailure {
  readonly fault: ProbeFault;
  readonly detail: string;
}

/** Null: the endpoint passed the check. */
export type ProbeOutcome = ProbeFailure | null;

/** Gets the outcome; only the first call counts. */
export type Settle = (outcome: ProbeOutcome) => void;

/** Of undici, of node:http2 and of llhttp: the peer broke a limit. */
const TOO_LARGE = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_EXCEEDED_MAX_SIZE', 'HPE_HEADER_OVERFLOW']);
/** The peer closed the connection, or reset it. */
const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'HPE_INVALID_EOF_STATE', 'ERR_STREAM_PREMATURE_CLOSE']);
/** The peer does not speak the protocol. */
const MALFORMED = /^(HPE_|UND_ERR_|ERR_HTTP2_)/;

/** The outcome for an error after the connection was made. */
export function failureOf(error: Error): ProbeFailure {
  const { code = '' } = error as NodeJS.ErrnoException;
  return { fault: faultOf(code), detail: code === '' ? error.message : code };
}

function faultOf(code: string): ProbeFault {
  if (TOO_LARGE.has(code)) return 'too_large';
  if (CLOSED.has(code)) return 'closed';
  return MALFORMED.test(code) ? 'malformed' : 'closed';
}
