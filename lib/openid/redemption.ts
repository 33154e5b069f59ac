// The redemption of a code or a refresh token at the token endpoint of a provider (OpenID Connect Core 1.0 section 3.1.3).
import { basicOf, type Client } from './client.ts';
import type { Metadata } from './metadata.ts';
import { parseObject, textOf } from './values.ts';

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

/** A request for the token endpoint. */
export interface RedemptionRequest {
  readonly url: string;
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The request that redeems a grant; `fields` are those of the grant. */
export function redemptionOf(client: Client, metadata: Metadata, fields: Readonly<Record<string, string>>): RedemptionRequest {
  const form = new URLSearchParams(fields);
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  if (client.secret === '' || metadata.takesSecretInBody) form.set('client_id', client.id);
  if (client.secret !== '' && metadata.takesSecretInBody) form.set('client_secret', client.secret);
  if (client.secret !== '' && !metadata.takesSecretInBody) headers['authorization'] = basicOf(client);
  return { url: metadata.tokenEndpoint, method: 'POST', headers, body: form.toString() };
}

/** The tokens in an answer. */
export function tokensOf({ status, body }: { readonly status: number; readonly body: Buffer }): TokenAnswer {
  const value = parseObject(body.toString('utf8')) ?? {};
  if (status === 400 && value['error'] === 'invalid_grant') return { type: 'refused' };
  const [accessToken, idToken] = [textOf(value, 'access_token'), textOf(value, 'id_token')];
  if (status !== 200 || accessToken === '') return { type: 'unavailable', reason: `the token endpoint answers with status ${status}` };
  const expires = Number(value['expires_in']);
  return { type: 'tokens', accessToken, idToken, refreshToken: textOf(value, 'refresh_token'), expiresIn: expires > 0 ? expires : 0 };
}
