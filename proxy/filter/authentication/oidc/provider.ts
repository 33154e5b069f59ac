// The provider: its metadata (OpenID Connect Discovery) and keys, kept while it is away, and its token endpoint.
import { createHash } from 'node:crypto';
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
import { basicOf, type Client } from '../client-credentials.ts';
import type { DataHandle, DataReference } from '../../../exchange/object-data.ts';
import { parseObject, textOf } from './session.ts';

const WELL_KNOWN = '/.well-known/openid-configuration';

/** What the login needs of the metadata; '' for an endpoint that the provider does not have. */
export interface Metadata {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly endSessionEndpoint: string;
  readonly algorithms: readonly string[];
  /** The client sends its secret in the body: the provider takes no Basic. */
  readonly takesSecretInBody: boolean;
  /** Every answer names its issuer (RFC 9207). */
  readonly namesIssuer: boolean;
}

/** The answer of the token endpoint. */
export type TokenAnswer =
  | {
      readonly type: 'tokens';
      readonly accessToken: string;
      readonly refreshToken: string;
      readonly idToken: string;
      readonly expiresIn: number;
    }
  /** The code or the refresh token is not valid. */
  | { readonly type: 'refused' }
  | { readonly type: 'unavailable'; readonly reason: string };

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
    this.#metadata = outside.documents.open({ key, load: () => this.#load() });
  }

  /** Null while the provider has never answered. */
  metadata(): Metadata | null | Promise<Metadata | null> {
    return this.#metadata.value ?? this.#metadata.refresh().then(() => this.#metadata.value);
  }

  /** Why there is no metadata. */
  get problem(): string {
    return this.#metadata.problem;
  }

  /** Redeems a code or a refresh token. */
  async redeem(client: Client, fields: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    const metadata = await this.metadata();
    if (metadata === null) return { type: 'unavailable', reason: 'the provider is not known yet' };
    const form = new URLSearchParams(fields);
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    if (client.secret === '' || metadata.takesSecretInBody) form.set('client_id', client.id);
    if (client.secret !== '' && metadata.takesSecretInBody) form.set('client_secret', client.secret);
    if (client.secret !== '' && !metadata.takesSecretInBody) headers['authorization'] = basicOf(client);
    const answer = await this.#ask({ url: metadata.tokenEndpoint, method: 'POST', headers, body: form.toString() });
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

  async #load(): Promise<Result<LoadedDocument<Metadata>>> {
    const answer = await this.#ask({ url: this.#issuer.replace(/\/$/, '') + WELL_KNOWN, headers: { accept: 'application/json' } });
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

function metadataOf(issuer: string, value: unknown): Result<Metadata> {
  const document = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  // Discovery section 4.3: otherwise one provider could speak for another.
  if (document['issuer'] !== issuer) return err('names another issuer in its metadata');
  const [authorizationEndpoint, tokenEndpoint] = [textOf(document, 'authorization_endpoint'), textOf(document, 'token_endpoint')];
  const [jwksUri, endSessionEndpoint] = [textOf(document, 'jwks_uri'), textOf(document, 'end_session_endpoint')];
  if (![authorizationEndpoint, tokenEndpoint, jwksUri].every(isWebUrl)) return err('has metadata without the endpoints of a login');
  const methods = textsOf(document, 'token_endpoint_auth_methods_supported', ['client_secret_basic']);
  return ok({
    ...{ authorizationEndpoint, tokenEndpoint, jwksUri },
    endSessionEndpoint: isWebUrl(endSessionEndpoint) ? endSessionEndpoint : '',
    algorithms: textsOf(document, 'id_token_signing_alg_values_supported', ['RS256']),
    takesSecretInBody: !methods.includes('client_secret_basic') && methods.includes('client_secret_post'),
    namesIssuer: document['authorization_response_iss_parameter_supported'] === true,
  });
}

function isWebUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}

function textsOf(document: Readonly<Record<string, unknown>>, name: string, otherwise: readonly string[]): readonly string[] {
  const value = document[name];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : otherwise;
}

function tokensOf({ status, body }: OutsideAnswer): TokenAnswer {
  const value = parseObject(body.toString('utf8')) ?? {};
  if (status === 400 && value['error'] === 'invalid_grant') return { type: 'refused' };
  const [accessToken, idToken] = [textOf(value, 'access_token'), textOf(value, 'id_token')];
  if (status !== 200 || accessToken === '') return { type: 'unavailable', reason: `the token endpoint answers with status ${status}` };
  const expires = Number(value['expires_in']);
  return { type: 'tokens', accessToken, idToken, refreshToken: textOf(value, 'refresh_token'), expiresIn: expires > 0 ? expires : 0 };
}
