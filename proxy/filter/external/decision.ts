// The decision of an external service about a request, and its effect on the request and on the answer.
import { editObstacle, type HeaderSide } from '#api/k8s/header-rules.ts';
import { ERRORS, withDetail, withStatuses, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { withDashes } from '../../exchange/forwarded-names.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';
import { addHeader, hasHeader, setHeader, type Headers } from '../../exchange/headers.ts';
import { localReply, reply } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import { isFieldName } from '../text.ts';

/** A change of headers; names are lower case. Removals come first. */
export interface HeaderChange {
  readonly remove: readonly string[];
  /** Flat pairs; they replace what is there. A name may occur more than once. */
  readonly set: readonly string[];
  /** Flat pairs; they come after what is there. */
  readonly append: readonly string[];
}

/** The request may go on. */
export interface Allowed {
  readonly type: 'allowed';
  readonly toBackend: HeaderChange;
  readonly toClient: HeaderChange;
  /** The name of the caller; '' if the service does not say it. */
  readonly id: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** How long the service lets the decision be used again, milliseconds; null: it does not say. */
  readonly maxAge: number | null;
}

/** The answer in place of that of the backend. */
export interface Denied {
  readonly type: 'denied';
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly maxAge: number | null;
}

/** The proxy refuses the request itself. */
export interface Refused {
  readonly type: 'refused';
  readonly error: ExchangeError;
}

/** The service gave no decision. `mayPass`: the policy may let the request go on without one. */
export interface NoDecision {
  readonly type: 'none';
  readonly reason: string;
  readonly mayPass: boolean;
}

export type Decision = Allowed | Denied | Refused | NoDecision;

export const NO_CHANGE: HeaderChange = Object.freeze({ remove: [], set: [], append: [] });

/** Whether a service may set or remove a header (name in lower case): not what frames messages or belongs to a connection, nor the host. */
export function mayChange(side: HeaderSide, name: string): boolean {
  return isFieldName(name) && name !== 'host' && editObstacle(side, 'set', name) === null;
}

/** Removes headers with these names (lower case, with dashes), also in spellings that a backend takes for them. */
export function removeAll(headers: Headers, names: ReadonlySet<string>): void {
  if (names.size === 0) return;
  let kept = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (names.has(withDashes(name))) continue;
    headers[kept++] = name;
    headers[kept++] = headers[i + 1] as string;
  }
  headers.length = kept;
}

/** Changes a list of headers. */
export function changeHeaders(headers: Headers, { remove, set, append }: HeaderChange): void {
  const gone = new Set(remove.map(withDashes));
  for (let i = 0; i < set.length; i += 2) gone.add(withDashes(set[i] as string));
  removeAll(headers, gone);
  headers.push(...set, ...append);
}

/** Answers in place of the backend. A call gets a status that its caller understands. */
export function answerDenied(exchange: Exchange, { status, headers, body }: Denied): FilterVerdict {
  const error = withDetail(withStatuses(ERRORS.accessDenied, status, grpcStatusOf(status)), 'the external service denies the request');
  exchange.error = error;
  if (exchange.grpc) localReply(exchange, error);
  else {
    const own = [...headers];
    // Other than 401 and 403, some of these statuses may be cached by default (RFC 9111 section 4.2.2).
    if (!hasHeader(own, 'cache-control')) addHeader(own, 'cache-control', 'no-store');
    if (body.length > 0 && !hasHeader(own, 'content-type')) setHeader(own, 'content-type', 'text/plain; charset=utf-8');
    reply(exchange, status, own, body.length === 0 ? null : body);
  }
  return 'answered';
}

function grpcStatusOf(status: number): number {
  switch (status) {
    case 401:
      return GRPC_STATUS.unauthenticated;
    case 404:
      return GRPC_STATUS.notFound;
    case 429:
      return GRPC_STATUS.resourceExhausted;
    case 503:
      return GRPC_STATUS.unavailable;
    default:
      return GRPC_STATUS.permissionDenied;
  }
}

/** A status that can carry a denial: a success, or one without a body, would hide it. */
export function denialStatus(status: number): number {
  return status >= 300 && status <= 599 && status !== 304 ? status : 403;
}
