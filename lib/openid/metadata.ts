// The metadata of a provider (OpenID Connect Discovery 1.0).
import { err, ok, type Result } from '#lib/result.ts';
import { isObject, textOf } from './values.ts';

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

/** Where an issuer has its metadata. */
export function metadataUrl(issuer: string): string {
  return issuer.replace(/\/$/, '') + WELL_KNOWN;
}

/** The metadata in the answer of an issuer; an error completes "the provider". */
export function metadataOf(issuer: string, value: unknown): Result<Metadata> {
  const document = isObject(value) ? value : {};
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
