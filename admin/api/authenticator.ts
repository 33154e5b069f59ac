// The seams of the server to identity and audit: one says from which caller a request is, the other keeps an entry of each operation.
import type { Result } from '#lib/result.ts';
import type { Caller, Change } from './operation.ts';
import type { AdminProblem } from './problem.ts';

/** The parts of a request that may have credentials. */
export interface CredentialSource {
  /** The header Authorization; null without it. */
  readonly authorization: string | null;
  /** The IP address of the caller. */
  readonly address: string;
  readonly userAgent: string;
  /** The value of a cookie, by its name without prefix; null without it. */
  cookie(name: string): string | null;
}

/** A caller whose credentials are valid. */
export interface Authenticated {
  readonly caller: Caller;
  /**
   * The token that a page must send in the header Weir-CSRF-Token with each request that changes something; the server compares them. Null:
   * the credentials are not in a cookie, so that no other site can make a browser send them.
   */
  readonly csrfToken: string | null;
}

/** Says from which caller a request is. */
export interface Authenticator {
  /** Null: the request has no credentials. A problem (401, 429, 503): they are not valid, or cannot be checked now. */
  authenticate(source: CredentialSource): Promise<Result<Authenticated | null, AdminProblem>>;
}

/** The facts of an operation for the audit log. */
export interface AuditRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly requestId: string;
  /** The id of the operation: `users.update`. */
  readonly operation: string;
  /** The path with its parameters, without the query. */
  readonly path: string;
  readonly caller: Pick<Caller, 'kind' | 'id' | 'name' | 'address' | 'session'>;
  readonly userAgent: string;
  /** Why, in the words of the caller; ''. */
  readonly reason: string;
  readonly namespace: string | null;
  /** `refused`: the status is from 400 to 499; `failed`: it is larger. */
  readonly outcome: 'success' | 'refused' | 'failed';
  readonly status: number;
  /** The code of the problem; '' after success. */
  readonly code: string;
  readonly changes: readonly Change[];
}

/** Keeps the entries of the audit log. */
export interface Auditor {
  /** Why no entry can be written now; null: entries can be written. Operations with an entry are refused before they run. */
  readonly trouble: string | null;
  /** Resolves when the entry is kept as safely as the store can. The answer waits for it. */
  record(entry: AuditRecord): Promise<Result<void>>;
}
