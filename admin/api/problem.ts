// Why an operation of the admin API is refused: a value that the server sends as `application/problem+json` (RFC 9457).
import type { FieldError } from '#api/k8s/field-error.ts';
import { err, type Result } from '#lib/result.ts';

/** The status codes of refusals, with the title of each. */
export const PROBLEM_TITLES = {
  400: 'The request is invalid',
  401: 'The request has no valid credentials',
  403: 'The caller may not do this',
  404: 'The object does not exist',
  405: 'The path has no such method',
  408: 'The request came too slowly',
  409: 'The operation is not possible now',
  412: 'The object has changed',
  413: 'The request is too large',
  415: 'The body has a wrong content type',
  422: 'The change is not valid',
  428: 'The request needs If-Match',
  429: 'Too many requests',
  431: 'The headers are too large',
  500: 'A bug in Weir stopped the operation',
  502: 'A service that the operation needs has failed',
  503: 'A part that the operation needs is away',
} as const;

export type ProblemStatus = keyof typeof PROBLEM_TITLES;

/** A refusal. */
export interface AdminProblem {
  readonly status: ProblemStatus;
  /** In kebab case; programs decide by it, so a released code never changes: `user-unknown`. */
  readonly code: string;
  /** One sentence that names the object and the remedy. It never has a secret, and no input that is not quoted. */
  readonly detail: string;
  /** The wrong fields of parameters, query and body: `body.roles[0]`. */
  readonly errors?: readonly FieldError[];
  /** Seconds after which another attempt makes sense, for 429 and 503. */
  readonly retryAfter?: number;
  /** More members of the problem, such as the patch that a change needs. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The refusal with this status, code and sentence. */
export function refuse(status: ProblemStatus, code: string, detail: string, rest: Partial<AdminProblem> = {}): Result<never, AdminProblem> {
  return err({ ...rest, status, code, detail });
}

/** The refusal of a request with these wrong fields. */
export function invalid(errors: readonly FieldError[]): Result<never, AdminProblem> {
  return refuse(400, 'invalid-fields', 'the request has invalid fields', { errors });
}

/** The refusal for an object that does not exist: `notFound('user', 'ana')`. */
export function notFound(noun: string, name: string): Result<never, AdminProblem> {
  return refuse(404, `${noun.replaceAll(' ', '-')}-unknown`, `there is no ${noun} ${JSON.stringify(name)}`);
}

/** The refusal of a change to an object that another change came first to. `etag`: that of its current state. */
export function changedMeanwhile(noun: string, name: string, etag: string): Result<never, AdminProblem> {
  const detail = `${noun} ${JSON.stringify(name)} has changed; read it again, and send its current ETag in If-Match`;
  return refuse(412, 'changed-meanwhile', detail, { more: { currentETag: etag } });
}
