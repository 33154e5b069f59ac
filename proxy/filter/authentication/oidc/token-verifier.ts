// Signatures of the provider's tokens: only algorithms with public keys that the provider names in its metadata, with its published keys.
import { parseToken } from '#lib/jose/token.ts';
import type { Metadata } from '#lib/openid/metadata.ts';
import type { DataReference } from '../../../exchange/object-data.ts';
import type { ExchangeTrace } from '../../../exchange/tracing.ts';
import { checkSignature } from '../jwt/signature-check.ts';
import { keySource, type KeySource, type KeySourceDependencies } from '../jwt/key-source.ts';

/** ID tokens with many claims are larger than tokens in headers. */
const MAX_TOKEN = 32_768;

export type Verified =
  | { readonly type: 'verified'; readonly claims: Readonly<Record<string, unknown>>; readonly algorithm: string }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'unavailable'; readonly reason: string };

export class TokenVerifier {
  readonly #dependencies: KeySourceDependencies;
  readonly #ca: DataReference | undefined;
  #keys: KeySource | null = null;
  #uri = '';

  /** `ca`: the CA certificates of the provider; absent: those of the platform. */
  constructor(dependencies: KeySourceDependencies, ca?: DataReference) {
    this.#dependencies = dependencies;
    this.#ca = ca;
  }

  /**
   * The claims of a token of one of these types with a valid signature. A key that is not known is looked for once at the provider, for the
   * exchange with the trace.
   */
  async verify(
    text: string,
    { jwksUri, algorithms }: Metadata,
    types: ReadonlySet<unknown>,
    trace: ExchangeTrace | null,
  ): Promise<Verified> {
    const token = text.length > MAX_TOKEN ? null : parseToken(text, types);
    if (token === null) return { type: 'refused', reason: 'the token is malformed' };
    const { algorithm, claims } = token;
    // The keys are public: none of them is a shared secret.
    if (!algorithms.includes(algorithm) || algorithm.startsWith('HS'))
      return { type: 'refused', reason: 'the token has an algorithm that is not accepted' };
    const checked = await checkSignature(this.#open(jwksUri), token, trace);
    if (checked === 'unavailable') return { type: 'unavailable', reason: 'the keys of the provider are not known' };
    return checked === 'valid'
      ? { type: 'verified', claims, algorithm }
      : { type: 'refused', reason: 'the signature of the token is wrong' };
  }

  close(): void {
    this.#keys?.close();
  }

  #open(uri: string): KeySource {
    if (this.#keys !== null && this.#uri === uri) return this.#keys;
    this.#keys?.close();
    this.#uri = uri;
    return (this.#keys = keySource({ uri, ...(this.#ca === undefined ? {} : { ca: this.#ca }) }, this.#dependencies));
  }
}
