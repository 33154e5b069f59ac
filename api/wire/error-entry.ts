// Failures that a proxy reports: one entry for each code, route, backend and cause.

/** A request that failed, without its secrets. */
export interface ErrorSample {
  /** When it ended, milliseconds since the epoch. */
  readonly at: number;
  /** '' for a connection of a stream route. */
  readonly method: string;
  /** The host, or the server name of a connection. */
  readonly authority: string;
  /** With the query. */
  readonly path: string;
  readonly status: number;
  readonly requestId: string;
  /** 32 hexadecimal digits; '' without a trace. */
  readonly traceId: string;
  /** The address of the client. */
  readonly client: string;
  /** That of the last attempt; '' without one. */
  readonly endpoint: string;
  readonly attempts: number;
  /** What the error says besides its code. */
  readonly detail: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

export interface ErrorEntry {
  /** An error code, or status_5xx for an answer of a backend. */
  readonly code: string;
  /** '' without a route. */
  readonly route: string;
  /** '' before one was chosen. */
  readonly backend: string;
  /** The detail of the error without addresses, ids and numbers; '' if the code says everything. */
  readonly cause: string;
  /** Failures since the last report. */
  readonly count: number;
  readonly samples: readonly ErrorSample[];
}
