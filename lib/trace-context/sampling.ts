// A share of traces, decided by their ids, so that all programs on the way of a request come to the same decision.

/** The random digits at the end of an id that decide: 52 bits, as many as a number holds exactly. */
const DIGITS = 13;
const RANGE = 16 ** DIGITS;

/** Whether the trace is in the share, 0 to 1. */
export function isInShare(traceId: string, share: number): boolean {
  if (share >= 1) return true;
  // The largest numbers are kept, as OpenTelemetry does (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/).
  return share > 0 && Number.parseInt(traceId.slice(-DIGITS), 16) >= RANGE * (1 - share);
}
