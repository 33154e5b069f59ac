// Types and facts of an operation of the admin API, as the client has them. The tables in operations/ are generated.

/** How an operation is called. */
export interface OperationFacts {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the prefix of the API: `/users/{user}`. */
  readonly path: string;
  /** The content type of an answer that comes in parts; null: one JSON value, or nothing. */
  readonly streams: string | null;
  /** The content type of a body of bytes; absent: the body is JSON, or there is none. */
  readonly uploads?: string;
}

/** The types of an operation. */
export interface OperationTypes {
  /** `params`, `query`, `body` or `upload`, and `ifMatch`, each only if the operation takes it. */
  readonly input: object;
  /** The answer, or one part of it if it comes in parts. */
  readonly answer: unknown;
  /** Whether the answer comes in parts. */
  readonly streams: boolean;
  /** The codes of its own refusals; never without any. */
  readonly code: string;
}
