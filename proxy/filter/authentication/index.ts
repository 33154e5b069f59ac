// The list of the kinds of authenticators.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { ApiKey } from './api-key.ts';
import { Basic } from './basic.ts';
import { Certificate } from './certificate.ts';
import { Hmac } from './hmac.ts';
import { Signature } from './signature.ts';
import { Oidc } from './oidc/oidc.ts';
import type { OidcSettings } from './oidc/settings.ts';
import { Jwt } from './jwt/jwt.ts';
import { Introspection } from './introspection/introspection.ts';
import { External } from './external.ts';
import type { Authenticator } from './authenticator.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['authentication']>;
/** The settings of one authenticator; exactly one of them is set. */
export type AuthenticatorSettings = Omit<Settings, 'anyOf' | 'allOf'>;

/** Makes the authenticator if the settings are those of its kind; otherwise null. */
export type AuthenticatorKind = (settings: AuthenticatorSettings, context: PolicyFilterContext) => Authenticator | null;

export const AUTHENTICATORS: readonly AuthenticatorKind[] = Object.freeze([
  ({ apiKey }, { consumers, namespace }) => (apiKey === undefined ? null : new ApiKey(apiKey, consumers.of(namespace))),
  ({ certificate }, context) => (certificate === undefined ? null : new Certificate(certificate, context)),
  ({ basic }, context) => (basic === undefined ? null : new Basic(basic, context)),
  ({ signature }, context) => (signature === undefined ? null : new Signature(signature, context)),
  ({ hmac }, context) => (hmac === undefined ? null : new Hmac(hmac, context)),
  // Its schema requires what its type does.
  ({ oidc }, context) => (oidc === undefined ? null : new Oidc(oidc as OidcSettings, context)),
  ({ jwt }, context) => (jwt === undefined ? null : new Jwt(jwt, context)),
  ({ introspection }, context) => (introspection === undefined ? null : new Introspection(introspection, context)),
  ({ external }, context) => (external === undefined ? null : new External(external, context)),
] satisfies AuthenticatorKind[]);
