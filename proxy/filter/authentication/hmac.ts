// HMAC signatures in Authorization, in the form of Kong and of draft-cavage-http-signatures, with secrets of consumers. A signature always
// covers the target, the host, a date and the digest of the body.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ConsumersOf, FoundConsumer } from '../../exchange/consumers.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { joinHeader, removeHeader } from '../../exchange/headers.ts';
import { fieldValue, targetOf } from '../signature/components.ts';
import { parseContentDigest, parseDigest } from '../signature/content-digest.ts';
import { mayHaveBody } from '../signature/signed-body.ts';
import { ABSENT, refused, type Authenticator, type Outcome } from './authenticator.ts';
import { isHmac, readHmacFields, type HmacAlgorithm, type HmacFields } from './hmac-fields.ts';
import { MAX_KEYS, SignedRequests, type SignedRequestContext, type SignedRequestSettings } from './signed-requests.ts';

export interface HmacSettings extends SignedRequestSettings {
  readonly headers?: readonly string[];
  readonly algorithms?: readonly HmacAlgorithm[];
  /** Milliseconds. */
  readonly clockSkew?: number;
}

const CLOCK_SKEW = 300_000;
const TARGETS = ['@request-target', '(request-target)', 'request-line'];
const DATES = ['date', 'x-date'];
const DIGESTS = ['content-digest', 'digest'];
/** The only form of a date that senders write (RFC 9110 section 5.6.7). */
const IMF_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Verifies HMAC signatures in Authorization. */
export class Hmac implements Authenticator {
  readonly name = 'hmac';
  readonly challenge = 'hmac';
  readonly #headers: readonly string[];
  readonly #algorithms: ReadonlySet<string>;
  readonly #clockSkew: number;
  readonly #consumers: ConsumersOf;
  readonly #requests: SignedRequests;

  constructor(settings: HmacSettings, context: SignedRequestContext) {
    this.#headers = settings.headers ?? [];
    this.#algorithms = new Set(settings.algorithms ?? ['hmac-sha256', 'hmac-sha384', 'hmac-sha512']);
    this.#clockSkew = settings.clockSkew ?? CLOCK_SKEW;
    this.#consumers = context.consumers.of(context.namespace);
    // A date may be that far away on both sides.
    this.#requests = new SignedRequests('hmac', 2 * this.#clockSkew, settings, context);
  }

  authenticate(exchange: Exchange): Outcome | Promise<Outcome> {
    const read = readHmacFields(joinHeader(exchange.requestHeaders, 'authorization') ?? '');
    if (!read.ok) return refused(read.error);
    if (read.value === null) return ABSENT;
    const problem = this.#problemOf(read.value, exchange);
    return problem === null ? this.#verify(read.value, exchange) : refused(problem);
  }

  strip({ requestHeaders }: Exchange): void {
    if (!this.#requests.forward && isHmac(joinHeader(requestHeaders, 'authorization') ?? '')) removeHeader(requestHeaders, 'authorization');
  }

  /** What is wrong without a look at the key; null: nothing. */
  #problemOf({ algorithm, names }: HmacFields, exchange: Exchange): string | null {
    if (!this.#algorithms.has(algorithm)) return 'the algorithm is not allowed';
    if (new Set(names).size !== names.length) return 'a header is signed twice';
    const all = mayHaveBody(exchange) ? [TARGETS, ['host'], DATES, DIGESTS] : [TARGETS, ['host'], DATES];
    const needed = [...all, ...this.#headers.map((name) => [name])];
    if (!needed.every((group) => group.some((name) => names.includes(name)))) return 'the signature does not cover all that must be signed';
    return names.every((name) => !DATES.includes(name) || this.#isNow(exchange, name))
      ? null
      : 'the date is missing, malformed or too far away';
  }

  /** Each signed date counts; one that is not signed says nothing. */
  #isNow(exchange: Exchange, name: string): boolean {
    const text = fieldValue(name, exchange) ?? '';
    return IMF_DATE.test(text) && Math.abs(Date.now() - Date.parse(text)) <= this.#clockSkew;
  }

  #verify(read: HmacFields, exchange: Exchange): Outcome | Promise<Outcome> {
    const text = signedText(read.names, exchange);
    if (text === null) return refused('the request lacks a signed header');
    const found = this.#signer(read, text);
    if (found === null) return refused('no secret of a consumer made the signature');
    const signed = DIGESTS.filter((name) => read.names.includes(name));
    // The text and not the signature: another spelling of a signature is the same one.
    if (signed.length === 0) return this.#requests.accept(exchange, found, text);
    const digests = digestsOf(signed, exchange);
    if (digests === null) return refused('the digest of the body is malformed, or has none with SHA-256 or SHA-512');
    return this.#requests.acceptWith(exchange, digests, found, text);
  }

  /** The consumer whose secret made the signature. A secret that the proxy does not have is empty. */
  #signer({ keyId, algorithm, signature }: HmacFields, text: Buffer): FoundConsumer | null {
    const hash = algorithm.slice('hmac-'.length);
    for (const found of this.#consumers.byHmacKey(keyId).slice(0, MAX_KEYS)) {
      if (found.value === '') continue;
      const own = createHmac(hash, Buffer.from(found.value, 'base64')).update(text).digest();
      if (own.length === signature.length && timingSafeEqual(own, signature)) return found;
    }
    return null;
  }
}

/** The lines that are signed; null: the request lacks one of them. */
function signedText(names: readonly string[], exchange: Exchange): Buffer | null {
  const lines: string[] = [];
  for (const name of names) {
    const value = TARGETS.includes(name) ? targetValue(name, exchange) : fieldValue(name, exchange);
    if (value === null) return null;
    lines.push(name === 'request-line' ? value : `${name}: ${value}`);
  }
  return Buffer.from(lines.join('\n'), 'latin1');
}

function targetValue(name: string, exchange: Exchange): string {
  const target = targetOf(exchange);
  if (name !== 'request-line') return `${exchange.method.toLowerCase()} ${target}`;
  return `${exchange.method} ${target} HTTP/${exchange.version === 20 ? '2' : exchange.version === 10 ? '1.0' : '1.1'}`;
}

/** The digests of all signed fields; null: one of them proves nothing, or two differ. */
function digestsOf(names: readonly string[], { requestHeaders }: Exchange): ReadonlyMap<string, Buffer> | null {
  const digests = new Map<string, Buffer>();
  for (const name of names) {
    const field = joinHeader(requestHeaders, name) ?? '';
    const own = name === 'digest' ? parseDigest(field) : parseContentDigest(field);
    if (own === null) return null;
    for (const [hash, digest] of own) {
      if (digests.get(hash)?.equals(digest) === false) return null;
      digests.set(hash, digest);
    }
  }
  return digests;
}
