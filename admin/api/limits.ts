// Limits of the connections and requests of the admin API.

/** Milliseconds, counts and bytes. */
export interface ServerLimits {
  /** The head of a request must be complete after this time, and the whole request after `request`. */
  readonly head: number;
  readonly request: number;
  /** A connection is cut if it makes no progress for this time, also if its caller takes nothing of an answer. */
  readonly idle: number;
  /** How often slow requests are looked for. */
  readonly check: number;
  readonly connections: number;
  readonly headBytes: number;
  /** Of an operation without a limit of its own. */
  readonly bodyBytes: number;
}

export const SERVER_LIMITS: ServerLimits = {
  head: 5_000,
  request: 15_000,
  idle: 60_000,
  check: 1_000,
  connections: 512,
  headBytes: 16 * 1_024,
  bodyBytes: 64 * 1_024,
};
