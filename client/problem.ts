// Why a call has no answer, as a value.
import { isObject, type JsonValue } from '#lib/canonical-json.ts';

/** Reasons on the side of the client. */
export type ClientCode =
  /** No connection, or it broke. */
  | 'unreachable'
  /** No whole answer in time. */
  | 'timeout'
  /** The server is not the admin API, or of a release that the client does not know. */
  | 'foreign-answer'
  /** The server sends the caller elsewhere. The client does not follow: the credentials are for this server only. */
  | 'redirected'
  | 'answer-too-large'
  /** A parameter of the path that no object can have; nothing was sent. */
  | 'invalid-name';

/** A refusal of the server, or a failure on the way to it. Texts are those of the server: escape them before they get to a terminal. */
export interface Problem<Code extends string = string> {
  /** The HTTP status; 0 without an answer. */
  readonly status: number;
  /** The codes that the document names are listed; a server may have more. */
  readonly code: Code | ClientCode | (string & Record<never, never>);
  /** One sentence. */
  readonly detail: string;
  /** The wrong fields of the request. */
  readonly errors: readonly { readonly field: string; readonly reason: string }[];
  /** '' without an answer. */
  readonly requestId: string;
  /** Seconds after which another attempt makes sense; null: the server names none. */
  readonly retryAfter: number | null;
  /** The whole body of the refusal; some have more members, such as a patch. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A problem on the side of the client. */
export function clientProblem(code: ClientCode, detail: string, status = 0): Problem {
  return { status, code, detail, errors: [], requestId: '', retryAfter: null, body: {} };
}

/** The problem in an answer; null: the body is none. */
export function problemIn(status: number, body: JsonValue, retryAfter: string | null): Problem | null {
  if (!isObject(body) || typeof body['code'] !== 'string' || typeof body['detail'] !== 'string') return null;
  const { code, detail, requestId, errors } = body;
  const seconds = Number(retryAfter ?? Number.NaN);
  return {
    ...{ status, code, detail, body },
    errors: Array.isArray(errors) ? errors.flatMap(fieldError) : [],
    requestId: typeof requestId === 'string' ? requestId : '',
    retryAfter: Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : null,
  };
}

function fieldError(value: JsonValue): Problem['errors'] {
  if (!isObject(value)) return [];
  const { field, reason } = value;
  return typeof field === 'string' && typeof reason === 'string' ? [{ field, reason }] : [];
}
