// Decompresses the bodies of requests (`decompression` of an HTTPPolicy).
import type { PolicySettings } from '#api/policy/settings.ts';
import { requestBodyChanges } from '../../exchange/changed-body.ts';
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { joinHeader, removeHeader, setHeader } from '../../exchange/headers.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import type { ContentCoding } from './accepted-coding.ts';
import { decompressor } from './coders.ts';
import { CodingStage } from './coding-stage.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['decompression']>;

const DEFAULT_CODINGS: readonly ContentCoding[] = ['gzip', 'br', 'zstd'];
const DEFAULT_MAX_SIZE = 10 * 1_048_576;
const DEFAULT_MAX_RATIO = 100;
/** A short body of equal bytes is much longer than its compressed form, and harmless. */
const FREE_BYTES = 65_536;

const MALFORMED = withDetail(ERRORS.contentCodingMalformed, 'the body is not what its Content-Encoding says');

class Decompression implements Filter {
  readonly name = 'decompression';
  readonly #codings: ReadonlySet<string>;
  readonly #maxSize: number;
  readonly #maxRatio: number;
  readonly #refusesOthers: boolean;
  readonly #accepted: string;

  constructor({ codings = DEFAULT_CODINGS, maxSize = DEFAULT_MAX_SIZE, maxRatio = DEFAULT_MAX_RATIO, otherCodings }: Settings) {
    this.#codings = new Set(codings);
    this.#maxSize = maxSize;
    this.#maxRatio = maxRatio;
    this.#refusesOthers = otherCodings === 'Refuse';
    this.#accepted = codings.join(', ');
  }

  request(exchange: Exchange): FilterVerdict {
    if (exchange.requestLength === 0 || exchange.upgrade !== '' || exchange.grpc) return 'continue';
    const coding = codingOf(exchange);
    if (coding === '') return 'continue';
    if (!this.#codings.has(coding)) return this.#refusesOthers ? this.#refuse(exchange) : 'continue';
    removeHeader(exchange.requestHeaders, 'content-encoding');
    requestBodyChanges(exchange);
    const check = (read: number, written: number): ExchangeError | null => this.#objection(read, written);
    return new CodingStage(decompressor(coding as ContentCoding), { flushes: false, failure: MALFORMED, check });
  }

  /** RFC 9110 section 15.5.16: the answer tells the codings that would have been accepted. */
  #refuse(exchange: Exchange): FilterVerdict {
    const verdict = refuse(exchange, ERRORS.contentCodingRefused);
    if (!exchange.grpc) setHeader(exchange.responseHeaders, 'accept-encoding', this.#accepted);
    return verdict;
  }

  #objection(read: number, written: number): ExchangeError | null {
    if (written > this.#maxSize) return withDetail(ERRORS.requestBodyTooLarge, `decompressed: more than ${this.#maxSize} bytes`);
    if (written - FREE_BYTES <= read * this.#maxRatio) return null;
    return withDetail(ERRORS.requestBodyTooLarge, `decompressed: more than ${this.#maxRatio} times its compressed size`);
  }
}

/** The one coding in lower case, '' without one; of several the whole list. */
function codingOf({ requestHeaders }: Exchange): string {
  const coding = (joinHeader(requestHeaders, 'content-encoding') ?? '').trim().toLowerCase();
  if (coding === 'identity') return '';
  return coding === 'x-gzip' ? 'gzip' : coding;
}

export const decompression: FilterKind = {
  name: 'decompression',
  ofPolicies: (policies) =>
    policies.filterOf('HTTPPolicy', ['decompression'], (settings) => new Decompression(settings.decompression ?? {})),
};
