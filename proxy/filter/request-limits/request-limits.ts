// Limits of the bodies of requests (`requestLimits` of a SecurityPolicy): the size, and the shape of JSON. Bodies are inspected while they
// pass, before anything keeps them and before the backend gets their end.
import { MAX_JSON_DEPTH } from '#api/k8s/security/request-limits.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { SecurityEvents } from '../../exchange/security-events.ts';
import { Slot } from '../../exchange/slot.ts';
import type { Filter, FilterKind } from '../filter.ts';
import type { RulePolicies } from '../rule-policies.ts';
import { hidesContent, isJson } from './content.ts';
import { JsonScanner, type JsonLimits, type JsonProblem } from './json-scanner.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['requestLimits']>;

/** Problems of texts that are no JSON, or not the same JSON for all readers. */
const MALFORMED: ReadonlySet<JsonProblem> = new Set<JsonProblem>(['not JSON', 'incomplete JSON', 'a name twice in one object']);

/** Ends refused requests. */
class Refusals {
  readonly #policy: string;
  readonly #security: SecurityEvents;
  readonly #errors = new Map<string, ExchangeError>();

  constructor(policy: string, security: SecurityEvents) {
    this.#policy = policy;
    this.#security = security;
  }

  /** Tells the refusal, and returns its error. */
  tell(exchange: Exchange, error: ExchangeError, reason: string): ExchangeError {
    this.#security.emit('body_refused', exchange, { reason, policy: this.#policy });
    let known = this.#errors.get(reason);
    if (known === undefined) this.#errors.set(reason, (known = withDetail(error, `requestLimits of ${this.#policy}: ${reason}`)));
    return known;
  }

  hidden(exchange: Exchange): ExchangeError {
    return this.tell(exchange, ERRORS.contentCodingRefused, 'a content coding hides the JSON');
  }

  tooLarge(exchange: Exchange): ExchangeError {
    return this.tell(exchange, ERRORS.requestBodyTooLarge, 'the body is too large');
  }
}

/** The inspection of one body. */
class Inspection implements BodyStage {
  readonly #exchange: Exchange;
  readonly #maxBytes: number;
  readonly #scanner: JsonScanner | null;
  readonly #refusals: Refusals;
  #bytes = 0;

  constructor(exchange: Exchange, maxBytes: number, scanner: JsonScanner | null, refusals: Refusals) {
    this.#exchange = exchange;
    this.#maxBytes = maxBytes;
    this.#scanner = scanner;
    this.#refusals = refusals;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#bytes += chunk.length;
    const error = this.#objection(chunk);
    if (error === null) return out.data(chunk);
    out.fail(error);
    return true;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    const problem = this.#scanner === null ? null : this.#scanner.end();
    if (problem === null) out.end(trailers);
    else out.fail(this.#refusal(problem));
  }

  #objection(chunk: Buffer): ExchangeError | null {
    if (this.#bytes > this.#maxBytes) return this.#refusals.tooLarge(this.#exchange);
    if (this.#scanner === null) return null;
    // The backend knows the end of a body by its announced length.
    const isLast = this.#bytes === this.#exchange.requestLength;
    const problem = this.#scanner.write(chunk) ?? (isLast ? this.#scanner.end() : null);
    return problem === null ? null : this.#refusal(problem);
  }

  #refusal(problem: JsonProblem): ExchangeError {
    return this.#refusals.tell(this.#exchange, MALFORMED.has(problem) ? ERRORS.jsonMalformed : ERRORS.jsonLimitExceeded, problem);
  }
}

/** The request has a body whose JSON a later filter decompresses. */
const HIDDEN = new Slot<true>();

class RequestLimits implements Filter {
  readonly name = 'requestLimits';
  readonly #maxBytes: number;
  /** Null: JSON is not inspected. */
  readonly #json: JsonLimits | null;
  readonly #passesCodings: boolean;
  readonly #isDecoded: boolean;
  readonly #refusals: Refusals;

  /** `isDecoded`: bodies are decompressed later. */
  constructor({ bodyBytes = Infinity, json }: Settings, isDecoded: boolean, policy: string, security: SecurityEvents) {
    this.#isDecoded = isDecoded;
    this.#maxBytes = bodyBytes;
    this.#json = json === undefined ? null : limitsOf(json);
    this.#passesCodings = json?.contentCoding === 'Pass';
    this.#refusals = new Refusals(policy, security);
  }

  request(exchange: Exchange): FilterVerdict {
    if (exchange.requestLength === 0 || exchange.upgrade !== '') return 'continue';
    if (exchange.requestLength > this.#maxBytes) return refuse(exchange, this.#refusals.tooLarge(exchange));
    const json = exchange.grpc || !isJson(exchange.requestHeaders) ? null : this.#json;
    if (json !== null && hidesContent(exchange.requestHeaders)) return this.#hidden(exchange);
    return this.#inspect(exchange, json);
  }

  #hidden(exchange: Exchange): FilterVerdict {
    if (this.#isDecoded) HIDDEN.set(exchange, true);
    else if (!this.#passesCodings) return refuse(exchange, this.#refusals.hidden(exchange));
    return this.#inspect(exchange, null);
  }

  #inspect(exchange: Exchange, json: JsonLimits | null): FilterVerdict {
    if (json === null && this.#maxBytes === Infinity) return 'continue';
    return new Inspection(exchange, this.#maxBytes, json === null ? null : new JsonScanner(json), this.#refusals);
  }
}

/** The second half of the limits, for JSON that was compressed. */
class DecodedLimits implements Filter {
  readonly name = 'decodedLimits';
  readonly #json: JsonLimits;
  readonly #passesCodings: boolean;
  readonly #refusals: Refusals;

  constructor(json: NonNullable<Settings['json']>, policy: string, security: SecurityEvents) {
    this.#json = limitsOf(json);
    this.#passesCodings = json.contentCoding === 'Pass';
    this.#refusals = new Refusals(policy, security);
  }

  request(exchange: Exchange): FilterVerdict {
    if (HIDDEN.get(exchange) === null) return 'continue';
    if (!hidesContent(exchange.requestHeaders)) return new Inspection(exchange, Infinity, new JsonScanner(this.#json), this.#refusals);
    return this.#passesCodings ? 'continue' : refuse(exchange, this.#refusals.hidden(exchange));
  }
}

function limitsOf(json: NonNullable<Settings['json']>): JsonLimits {
  return {
    depth: json.depth ?? MAX_JSON_DEPTH,
    members: json.members ?? Infinity,
    elements: json.elements ?? Infinity,
    stringBytes: json.stringBytes ?? Infinity,
    numberLength: json.numberLength ?? Infinity,
    uniqueNames: json.duplicateNames === 'Refuse',
  };
}

export const requestLimits: FilterKind = {
  name: 'requestLimits',
  ofPolicies: (policies) => {
    const isDecoded = decodes(policies);
    const draft = policies.filterOf('SecurityPolicy', ['requestLimits'], ({ requestLimits: settings = {} }, { origins, security }) => {
      return new RequestLimits(settings, isDecoded, origins[0]?.policy ?? '', security);
    });
    return draft === null ? null : { ...draft, identity: [draft.identity, isDecoded] };
  },
};

/** After the decompression of an HTTPPolicy. */
export const decodedLimits: FilterKind = {
  name: 'decodedLimits',
  ofPolicies: (policies) => {
    if (!decodes(policies) || policies.settings('SecurityPolicy').settings.requestLimits?.json === undefined) return null;
    return policies.filterOf('SecurityPolicy', ['requestLimits'], ({ requestLimits: settings }, { origins, security }) => {
      return new DecodedLimits(settings?.json ?? {}, origins[0]?.policy ?? '', security);
    });
  },
};

function decodes(policies: RulePolicies): boolean {
  return policies.settings('HTTPPolicy').settings.decompression !== undefined;
}
