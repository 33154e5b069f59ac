// Requests held to their operation.
import type { BodyCheck } from '#api/openapi/checked-request.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader, joinHeader, type Headers } from '../../exchange/headers.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { FilterDependencies } from '../filter.ts';
import { hidesContent } from '../request-limits/content.ts';
import type { CompiledDocument, FoundOperation } from './document-in-use.ts';
import { unfit, type Objection, type Refusals } from './refusals.ts';

export class Requests {
  readonly #maxBody: number;
  readonly #refusals: Refusals;
  readonly #wholeBody: FilterDependencies['wholeBody'];

  constructor(maxBody: number, refusals: Refusals, wholeBody: FilterDependencies['wholeBody']) {
    this.#maxBody = maxBody;
    this.#refusals = refusals;
    this.#wholeBody = wholeBody;
  }

  /** Checks a request, and refuses or reports what does not fit. */
  check(exchange: Exchange, document: CompiledDocument, { operation, variables }: FoundOperation): FilterVerdict | Promise<FilterVerdict> {
    const check = document.check(operation);
    const { name, body: described } = operation;
    const headers = exchange.requestHeaders;
    const object = (objection: Objection): FilterVerdict => this.#refusals.object(exchange, objection);
    const faults = check.checkHead({ query: exchange.query, variables, header: (header) => valueOf(headers, header) });
    const body = check.body(typeOf(headers), exchange.requestLength !== 0 && exchange.upgrade === '');
    if (body === 'required') return object(unfit(name, [...faults, { in: 'body', reason: 'is required' }]));
    if (body === 'media type') {
      const accept = ['accept', check.mediaTypes.join(', ')];
      return object({ error: ERRORS.mediaTypeRefused, reason: 'unknown type of the body', operation: name, faults: [], headers: accept });
    }
    if (body === null) return faults.length === 0 ? 'continue' : object(unfit(name, faults));
    if (hidesContent(headers))
      return object({ error: ERRORS.contentCodingRefused, reason: 'a coding hides the body', operation: name, faults: [] });
    return this.#checkBody(exchange, body, described?.required === true).then((objection) => {
      if (objection === null && faults.length === 0) return 'continue';
      if (exchange.phase === 'done') return 'answered';
      const isFit = objection === null || objection.error === ERRORS.requestInvalid;
      return object(isFit ? unfit(name, [...faults, ...(objection?.faults ?? [])]) : { ...objection, operation: name });
    });
  }

  /** The objection to a body; null: none. */
  async #checkBody(exchange: Exchange, check: BodyCheck, isRequired: boolean): Promise<Objection | null> {
    const body = await this.#wholeBody(exchange, this.#maxBody);
    if (body === null)
      return { error: ERRORS.requestBodyTooLarge, reason: 'the body is too large to be checked', operation: '', faults: [] };
    if (body.length === 0) return isRequired ? unfit('', [{ in: 'body', reason: 'is required' }]) : null;
    const faults = check.check(body);
    return faults.length === 0 ? null : unfit('', faults);
  }
}

/** All values of a header as one text. */
function valueOf(headers: Headers, name: string): string | null {
  if (name !== 'cookie') return joinHeader(headers, name);
  const cookies = headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === 'cookie');
  return cookies.length === 0 ? null : cookies.join('; ');
}

/** Several types are none: a backend may read another one of them than the proxy. */
function typeOf(headers: Headers): string | null {
  const joined = joinHeader(headers, 'content-type');
  return joined === getHeader(headers, 'content-type') ? joined : 'several types';
}
