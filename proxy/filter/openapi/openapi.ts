// Holds requests to an OpenAPI document (`openapi` of an HTTPPolicy).
import type { BodyCheck } from '#api/openapi/checked-request.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader, joinHeader, type Headers } from '../../exchange/headers.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { hidesContent } from '../request-limits/content.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { DocumentInUse, type CompiledDocument, type FoundOperation } from './document-in-use.ts';
import { Refusals, unfit, type Objection } from './refusals.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['openapi']>;

/** The default of `maxBodySize`. */
const MAX_BODY = 1_048_576;

const NO_DOCUMENT: Objection = { error: ERRORS.documentUnresolved, reason: 'the document cannot be used', operation: '', faults: [] };

class OpenApi implements Filter {
  readonly name = 'openapi';
  readonly #document: DocumentInUse;
  readonly #passesUnknown: boolean;
  readonly #maxBody: number;
  readonly #refusals: Refusals;
  readonly #wholeBody: PolicyFilterContext['wholeBody'];

  constructor(settings: Settings, { data, origins, security, wholeBody }: PolicyFilterContext) {
    const { documentRef = { data: '', key: '' }, request, unknownPaths, basePath = null, maxBodySize = MAX_BODY } = settings;
    this.#document = new DocumentInUse(data.handle(documentRef), basePath);
    this.#passesUnknown = unknownPaths === 'Pass';
    this.#maxBody = maxBodySize;
    this.#refusals = new Refusals(origins[0]?.policy ?? '', request !== 'Report', security);
    this.#wholeBody = wholeBody;
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    const document = this.#document.current;
    if (document === null) return this.#refusals.object(exchange, NO_DOCUMENT);
    const found = document.find(exchange.method, exchange.path);
    if (found === null || !('operation' in found)) return this.#unknown(exchange, found);
    return this.#check(exchange, document, found);
  }

  /** `methods`: those that the path has; null: the path is unknown. */
  #unknown(exchange: Exchange, methods: readonly string[] | null): FilterVerdict {
    if (this.#passesUnknown) return 'continue';
    if (methods === null)
      return this.#refusals.object(exchange, { error: ERRORS.pathUndocumented, reason: 'unknown path', operation: '', faults: [] });
    const headers = ['allow', methods.join(', ')];
    return this.#refusals.object(exchange, {
      error: ERRORS.methodUndocumented,
      reason: 'unknown method',
      operation: '',
      faults: [],
      headers,
    });
  }

  #check(exchange: Exchange, document: CompiledDocument, { operation, variables }: FoundOperation): FilterVerdict | Promise<FilterVerdict> {
    const check = document.check(operation);
    const headers = exchange.requestHeaders;
    const faults = check.checkHead({ query: exchange.query, variables, header: (name) => valueOf(headers, name) });
    const hasBody = exchange.requestLength !== 0 && exchange.upgrade === '';
    const body = check.body(typeOf(exchange), hasBody);
    const object = (objection: Objection): FilterVerdict => this.#refusals.object(exchange, objection);
    if (body === 'required') return object(unfit(operation.name, [...faults, { in: 'body', reason: 'is required' }]));
    if (body === 'media type') {
      const accept = ['accept', check.mediaTypes.join(', ')];
      return object({
        error: ERRORS.mediaTypeRefused,
        reason: 'unknown type of the body',
        operation: operation.name,
        faults: [],
        headers: accept,
      });
    }
    if (body === null) return faults.length === 0 ? 'continue' : object(unfit(operation.name, faults));
    if (hidesContent(headers))
      return object({
        error: ERRORS.contentCodingRefused,
        reason: 'a content coding hides the body',
        operation: operation.name,
        faults: [],
      });
    return this.#checkBody(exchange, body, operation.body?.required === true).then((objection) => {
      if (objection === null && faults.length === 0) return 'continue';
      if (exchange.phase === 'done') return 'answered';
      const all = [...faults, ...(objection?.faults ?? [])];
      return object(
        objection === null || objection.error === ERRORS.requestInvalid
          ? unfit(operation.name, all)
          : { ...objection, operation: operation.name },
      );
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

  dispose(): void {
    this.#document.close();
  }
}

/** All values of a header as one text. */
function valueOf(headers: Headers, name: string): string | null {
  if (name !== 'cookie') return joinHeader(headers, name);
  const cookies = headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === 'cookie');
  return cookies.length === 0 ? null : cookies.join('; ');
}

/** Several types are none: a backend may read another one of them than the proxy. */
function typeOf({ requestHeaders }: Exchange): string | null {
  const joined = joinHeader(requestHeaders, 'content-type');
  return joined === getHeader(requestHeaders, 'content-type') ? joined : 'several types';
}

export const openapi: FilterKind = {
  name: 'openapi',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.openapi?.request === 'Off') return null;
    return policies.filterOf('HTTPPolicy', ['openapi'], ({ openapi: settings = {} }, context) => new OpenApi(settings, context));
  },
};
