// What comes of a request that does not fit: a refusal with all its faults, or a report.
import type { MessageFault } from '#api/openapi/checked-request.ts';
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { refuse, reply } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { SecurityEvents } from '../../exchange/security-events.ts';

/** Faults in an answer. */
const MAX_FAULTS = 32;

/** Characters of a pointer or a name in an answer. */
const MAX_TEXT = 256;

/** What is wrong with a request. */
export interface Objection {
  readonly error: ExchangeError;
  /** The same few words for the same cause. */
  readonly reason: string;
  /** `POST /users`; '' if the request has none. */
  readonly operation: string;
  readonly faults: readonly MessageFault[];
  /** Headers of the answer. */
  readonly headers?: readonly string[];
}

/** An objection with the faults of a request. */
export function unfit(operation: string, faults: readonly MessageFault[]): Objection {
  const places = [...new Set(faults.map((fault) => fault.in))].join(', ');
  return { error: ERRORS.requestInvalid, reason: `faults in ${places}`, operation, faults };
}

export class Refusals {
  readonly #policy: string;
  readonly #enforces: boolean;
  readonly #security: SecurityEvents;

  constructor(policy: string, enforces: boolean, security: SecurityEvents) {
    this.#policy = policy;
    this.#enforces = enforces;
    this.#security = security;
  }

  /** Refuses a request, or reports it. */
  object(exchange: Exchange, objection: Objection): FilterVerdict {
    const { error, reason, operation, faults, headers = [] } = objection;
    const event = this.#enforces ? 'document_refused' : 'document_reported';
    this.#security.emit(event, exchange, { reason, policy: this.#policy, ...(operation === '' ? {} : { rule: operation }) });
    if (!this.#enforces) return 'continue';
    const verdict = refuse(exchange, error);
    exchange.error = withDetail(error, `openapi of ${this.#policy}: ${operation === '' ? reason : `${operation}: ${reason}`}`);
    if (exchange.grpc) return verdict;
    if (faults.length > 0)
      reply(exchange, error.status, ['content-type', 'application/problem+json', 'cache-control', 'no-store'], problem(error, faults));
    exchange.responseHeaders.push(...headers);
    return verdict;
  }
}

/** Problem details (RFC 9457) with the member `errors`. */
function problem({ title, status, code }: ExchangeError, faults: readonly MessageFault[]): Buffer {
  const errors = faults.slice(0, MAX_FAULTS).map(shortened);
  const more = faults.length > MAX_FAULTS ? { furtherErrors: faults.length - MAX_FAULTS } : {};
  return Buffer.from(`${JSON.stringify({ type: 'about:blank', title, status, code, errors, ...more })}\n`);
}

function shortened(fault: MessageFault): MessageFault {
  const { name, pointer, reason } = fault;
  return {
    in: fault.in,
    ...(name === undefined ? {} : { name: short(name) }),
    ...(pointer === undefined ? {} : { pointer: short(pointer) }),
    reason: short(reason),
  };
}

function short(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}
