// The provider: its metadata (OpenID Connect Discovery) and keys, kept while it is away, and its token endpoint.
import { createHash } from 'node:crypto';
import type { Client } from '#lib/openid/client.ts';
import { metadataOf, metadataUrl, type Metadata } from '#lib/openid/metadata.ts';
import { redemptionOf, tokensOf, type TokenAnswer } from '#lib/openid/redemption.ts';
import { err, ok, type Result } from '#lib/result.ts';
import {
  maxAgeOf,
  parseJson,
  type DocumentHandle,
  type LoadedDocument,
  type Outside,
  type OutsideAnswer,
  type OutsideRequest,
} from '../../../exchange/outside.ts';
import type { DataHandle, DataReference } from '../../../exchange/object-data.ts';
import type { ExchangeTrace } from '../../../exchange/tracing.ts';

/** The CA certificates of the provider: the reference, and what it refers to now. */
export interface Authorities {
  readonly reference: DataReference;
  readonly handle: DataHandle;
}

export class Provider {
  readonly #issuer: string;
  readonly #outside: Outside;
  /** Null: those of the platform. */
  readonly #authorities: Authorities | null;
  readonly #metadata: DocumentHandle<Metadata>;

  constructor(issuer: string, outside: Outside, authorities: Authorities | null) {
    this.#issuer = issuer;
    this.#authorities = authorities;
    this.#outside = outside;
    // Another CA must not get what the former has vouched for.
    const key = JSON.stringify(['oidc metadata', issuer, authorities?.reference ?? null]);
    this.#metadata = outside.documents.open({ key, load: (trace = null) => this.#load(trace) });
  }

  /** Null while the provider has never answered. `trace`: of the exchange that waits. */
  metadata(trace: ExchangeTrace | null): Metadata | null | Promise<Metadata | null> {
    return this.#metadata.value ?? this.#metadata.refresh(trace).then(() => this.#metadata.value);
  }

  /** Why there is no metadata. */
  get problem(): string {
    return this.#metadata.problem;
  }

  /** Redeems a code or a refresh token, for the exchange with the trace. */
  async redeem(client: Client, fields: Readonly<Record<string, string>>, trace: ExchangeTrace | null): Promise<TokenAnswer> {
    const metadata = await this.metadata(trace);
    if (metadata === null) return { type: 'unavailable', reason: 'the provider is not known yet' };
    const answer = await this.#ask({ ...redemptionOf(client, metadata, fields), trace });
    return answer.ok ? tokensOf(answer.value) : { type: 'unavailable', reason: `the token endpoint ${answer.error}` };
  }

  async #ask(request: OutsideRequest): Promise<Result<OutsideAnswer>> {
    if (this.#authorities === null) return this.#outside.ask(request);
    const ca = this.#authorities.handle.value?.toString('utf8');
    return ca === undefined ? err('cannot be asked without its CA') : this.#outside.ask({ ...request, ca });
  }

  close(): void {
    this.#metadata.close();
  }

  async #load(trace: ExchangeTrace | null): Promise<Result<LoadedDocument<Metadata>>> {
    const answer = await this.#ask({ url: metadataUrl(this.#issuer), headers: { accept: 'application/json' }, trace });
    if (!answer.ok) return answer;
    const { status, body, headers } = answer.value;
    if (status !== 200) return err(`answers with status ${status}`);
    const read = parseJson(body);
    const metadata = read.ok ? metadataOf(this.#issuer, read.value) : read;
    if (!metadata.ok) return metadata;
    const digest = createHash('sha256').update(body).digest('hex');
    return ok({ value: metadata.value, digest, maxAge: maxAgeOf(headers['cache-control']) });
  }
}
