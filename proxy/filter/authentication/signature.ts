// HTTP message signatures (RFC 9421) with keys of consumers. Everything that decides is signed: method, target and body at least.
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import type { ConsumersOf, FoundConsumer } from '../../exchange/consumers.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { joinHeader, removeHeader } from '../../exchange/headers.ts';
import { algorithmsOf, ALGORITHMS, verifies, type Algorithm } from '../signature/algorithms.ts';
import { signatureBase } from '../signature/components.ts';
import { parseContentDigest } from '../signature/content-digest.ts';
import { readSignature, type ReadSignature } from '../signature/signature-fields.ts';
import { mayHaveBody } from '../signature/signed-body.ts';
import { ABSENT, refused, type Authenticator, type Outcome } from './authenticator.ts';
import { MAX_KEYS, SignedRequests, type SignedRequestContext, type SignedRequestSettings } from './signed-requests.ts';

export interface SignatureSettings extends SignedRequestSettings {
  readonly label?: string;
  readonly components?: readonly string[];
  readonly algorithms?: readonly Algorithm[];
  /** Milliseconds. */
  readonly maxAge?: number;
  readonly clockSkew?: number;
  readonly requireNonce?: boolean;
}

const MAX_AGE = 300_000;
const CLOCK_SKEW = 30_000;
const SAFE_ALGORITHMS = ALGORITHMS.filter((algorithm) => algorithm !== 'rsa-v1_5-sha256');

export class Signature implements Authenticator {
  readonly name = 'signature';
  readonly challenge = 'Signature';
  readonly #label: string;
  readonly #components: readonly string[];
  readonly #algorithms: ReadonlySet<Algorithm>;
  readonly #maxAge: number;
  readonly #clockSkew: number;
  readonly #requireNonce: boolean;
  readonly #consumers: ConsumersOf;
  readonly #requests: SignedRequests;
  /** Parsed keys; null: it cannot be parsed. */
  readonly #keys = new WeakMap<object, KeyObject | null>();

  constructor(settings: SignatureSettings, context: SignedRequestContext) {
    this.#label = settings.label ?? '';
    this.#components = settings.components ?? [];
    this.#algorithms = new Set(settings.algorithms ?? SAFE_ALGORITHMS);
    this.#maxAge = settings.maxAge ?? MAX_AGE;
    this.#clockSkew = settings.clockSkew ?? CLOCK_SKEW;
    this.#requireNonce = settings.requireNonce ?? false;
    this.#consumers = context.consumers.of(context.namespace);
    this.#requests = new SignedRequests('signature', this.#maxAge + 2 * this.#clockSkew, settings, context);
  }

  authenticate(exchange: Exchange): Outcome | Promise<Outcome> {
    const input = joinHeader(exchange.requestHeaders, 'signature-input');
    const signature = joinHeader(exchange.requestHeaders, 'signature');
    if (input === null && signature === null) return ABSENT;
    const read = readSignature(input ?? '', signature ?? '', this.#label);
    if (!read.ok) return refused(read.error);
    if (read.value === null) return ABSENT;
    const problem = this.#problemOf(read.value, exchange);
    return problem === null ? this.#verify(read.value, exchange) : refused(problem);
  }

  strip({ requestHeaders }: Exchange): void {
    if (this.#requests.forward) return;
    removeHeader(requestHeaders, 'signature-input');
    removeHeader(requestHeaders, 'signature');
  }

  /** What is wrong without a look at the key; null: nothing. */
  #problemOf(read: ReadSignature, exchange: Exchange): string | null {
    const missing = missingComponent(read, exchange, this.#components);
    if (missing !== null) return `the signature does not cover ${missing}`;
    if (this.#requireNonce && (read.nonce ?? '') === '') return 'the signature lacks a nonce';
    const now = Date.now();
    if (read.created * 1_000 > now + this.#clockSkew) return 'the signature is not yet valid';
    if (read.created * 1_000 < now - this.#maxAge - this.#clockSkew) return 'the signature is too old';
    return read.expires !== null && read.expires * 1_000 <= now - this.#clockSkew ? 'the signature has expired' : null;
  }

  #verify(read: ReadSignature, exchange: Exchange): Outcome | Promise<Outcome> {
    const base = signatureBase(read.covered, exchange);
    if (base === null) return refused('the request lacks a signed component, or a component is not allowed');
    const found = this.#signer(read, base);
    if (found === null) return refused('no key of a consumer made the signature');
    const identity = identityOf(read, base);
    if (!covers(read, 'content-digest')) return this.#requests.accept(exchange, found, identity);
    const digests = parseContentDigest(joinHeader(exchange.requestHeaders, 'content-digest') ?? '');
    if (digests === null) return refused('Content-Digest is malformed, or has no digest with SHA-256 or SHA-512');
    return this.#requests.acceptWith(exchange, digests, found, identity);
  }

  /** The consumer whose key made the signature. */
  #signer(read: ReadSignature, base: Buffer): FoundConsumer | null {
    for (const found of this.#candidates(read)) {
      const key = this.#keyOf(found);
      const algorithm = key === null ? undefined : this.#algorithmFor(key, read.algorithm);
      if (key !== null && algorithm !== undefined && verifies(algorithm, key, base, read.signature)) return found;
    }
    return null;
  }

  /** A secret never verifies as a public key, nor the other way round: they are found apart. */
  #candidates({ keyId, algorithm }: ReadSignature): readonly FoundConsumer[] {
    const isHmac = algorithm?.startsWith('hmac') ?? null;
    const secrets = isHmac === false ? [] : this.#consumers.byHmacKey(keyId).map((found) => this.#withKey(found, secretKey));
    const others = isHmac === true ? [] : this.#consumers.byPublicKey(keyId).map((found) => this.#withKey(found, publicKey));
    return [...secrets, ...others].slice(0, MAX_KEYS);
  }

  #withKey(found: FoundConsumer, parse: (value: string) => KeyObject | null): FoundConsumer {
    if (!this.#keys.has(found.credential)) this.#keys.set(found.credential, parse(found.value));
    return found;
  }

  #keyOf({ credential }: FoundConsumer): KeyObject | null {
    return this.#keys.get(credential) ?? null;
  }

  /** The named one if the key is for it; otherwise the preferred one of the key. */
  #algorithmFor(key: KeyObject, named: string | null): Algorithm | undefined {
    return algorithmsOf(key).find((algorithm) => this.#algorithms.has(algorithm) && (named === null || algorithm === named));
  }
}

/** The base and not the signature: of one base an algorithm can have several signatures. */
function identityOf({ keyId, nonce }: ReadSignature, base: Buffer): Buffer | string {
  return nonce === null ? base : JSON.stringify([keyId, nonce]);
}

/** A key as it is stored: base64. An empty one is one that the proxy does not have. */
function secretKey(value: string): KeyObject | null {
  return value === '' ? null : createSecretKey(Buffer.from(value, 'base64'));
}

function publicKey(pem: string): KeyObject | null {
  try {
    return createPublicKey(pem);
  } catch {
    return null;
  }
}

/** With a plain identifier: one with parameters covers another reading of the component. */
function covers({ covered }: ReadSignature, name: string): boolean {
  return covered.items.some(({ bare, parameters }) => bare.type === 'string' && bare.value === name && parameters.size === 0);
}

/** A component that must be signed and is not; null: all are. */
function missingComponent(read: ReadSignature, exchange: Exchange, components: readonly string[]): string | null {
  const target = covers(read, '@target-uri') ? [] : ['@authority', '@path', ...(exchange.hasQuery ? ['@query'] : [])];
  const body = mayHaveBody(exchange) ? ['content-digest'] : [];
  return ['@method', ...target, ...body, ...components].find((name) => !covers(read, name)) ?? null;
}
