// Compresses the bodies of answers (`compression` of an HTTPPolicy).
import type { PolicySettings } from '#api/policy/settings.ts';
import { bodyChanges, mayHaveBody, varyBy } from '../../exchange/changed-body.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isCallAnswer } from '../../exchange/grpc.ts';
import { getHeader, hasHeader, joinHeader, setHeader } from '../../exchange/headers.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { acceptedCoding } from './accepted-coding.ts';
import type { ContentCoding } from './accepted-coding.ts';
import { compressor } from './coders.ts';
import type { Effort } from './coders.ts';
import { CodingStage } from './coding-stage.ts';
import { isOfOtherOrigin } from '../page-origin.ts';
import { MediaRanges } from './media-ranges.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['compression']>;

const DEFAULT_CODINGS: readonly ContentCoding[] = ['zstd', 'br', 'gzip'];
const DEFAULT_MIN_SIZE = 1_024;
/** Types with much redundancy. Events are not among them: their delay matters more than their size. */
const DEFAULT_TYPES = [
  ...['text/html', 'text/plain', 'text/css', 'text/csv', 'text/xml', 'text/markdown', 'text/javascript'],
  ...['application/javascript', 'application/json', 'application/xml', 'application/wasm', 'application/x-ndjson'],
  ...['application/*+json', 'application/*+xml', 'image/svg+xml'],
];

class Compression implements Filter {
  readonly name = 'compression';
  readonly #codings: readonly ContentCoding[];
  readonly #effort: Effort;
  readonly #minSize: number;
  readonly #types: MediaRanges;
  readonly #guards: boolean;

  constructor({ codings = DEFAULT_CODINGS, level = 'Balanced', minSize = DEFAULT_MIN_SIZE, types, crossOrigin = 'Plain' }: Settings) {
    this.#codings = codings;
    this.#effort = level;
    this.#minSize = minSize;
    this.#types = new MediaRanges(types ?? DEFAULT_TYPES);
    this.#guards = crossOrigin === 'Plain';
  }

  response(exchange: Exchange): AnswerChange {
    if (!this.#suits(exchange)) return;
    const headers = exchange.responseHeaders;
    varyBy(headers, 'accept-encoding');
    const accepted = joinHeader(exchange.requestHeaders, 'accept-encoding');
    const coding = accepted === null ? null : acceptedCoding(accepted, this.#codings);
    if (coding === null || (this.#guards && mayTellSecrets(exchange))) return;
    const flushes = exchange.responseLength === UNKNOWN_LENGTH;
    bodyChanges(exchange);
    setHeader(headers, 'content-encoding', coding);
    return exchange.method === 'HEAD'
      ? undefined
      : new CodingStage(compressor(coding, this.#effort), { flushes, failure: ERRORS.internalError });
  }

  /** Whether the answer may be compressed for some client. */
  #suits(exchange: Exchange): boolean {
    const { responseHeaders: headers, responseLength, status } = exchange;
    if (isCallAnswer(exchange) || status === 206 || !mayHaveBody(exchange)) return false;
    if (responseLength >= 0 && responseLength < this.#minSize) return false;
    const type = getHeader(headers, 'content-type');
    if (type === null || !this.#types.has(type) || hasHeader(headers, 'content-encoding')) return false;
    // RFC 9111 section 5.2.2.6.
    return !/\bno-transform\b/i.test(joinHeader(headers, 'cache-control') ?? '');
  }
}

/**
 * Whether a page of another origin could learn something from the length of a compressed answer: such a page lets the browser send
 * credentials and text of its choice, and compares lengths (BREACH).
 */
function mayTellSecrets(exchange: Exchange): boolean {
  const { requestHeaders, responseHeaders } = exchange;
  const isPersonal =
    hasHeader(requestHeaders, 'cookie') || hasHeader(requestHeaders, 'authorization') || hasHeader(responseHeaders, 'set-cookie');
  return isPersonal && isOfOtherOrigin(exchange);
}

export const compression: FilterKind = {
  name: 'compression',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.compression?.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['compression'], (settings) => new Compression(settings.compression ?? {}));
  },
};
