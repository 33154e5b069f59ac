// A share of traces, decided by their ids, so that all programs on the way of a request come to the same decision.

/** The random digits at the end of an id that decide: 52 bits, as many as a number holds exactly. */
const DIGITS = 13;
const RANGE = 16 ** DIGITS;

/** Whether the trace, of 32 digits in lower case, is in the share, 0 to 1. */
export function isInShare(traceId: string, share: number): boolean {
  if (share >= 1) return true;
  // The largest numbers are kept, as OpenTelemetry does (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/).
  // Digits of the same number compare as their values do.
  return share > 0 && traceId.slice(-DIGITS) >= leastOf(share);
}

let [lastShare, least] = [1, ''];

/** The smallest digits in a share. Almost all traces have the same share. */
function leastOf(share: number): string {
  if (share !== lastShare)
    least = Math.min(Math.ceil(RANGE * (1 - share)), RANGE - 1)
      .toString(16)
      .padStart(DIGITS, '0');
  lastShare = share;
  return least;
}
