// The authenticator `jwt`.
import { Type } from '#lib/typebox.ts';
import { backend, dataKey, secretKey } from '../policy-reference.ts';
import { choices, duration, fieldName, flag, group, size, text } from '../setting.ts';
import { credentialSources } from './credential-source.ts';
import { requiredClaims, texts } from './token-claims.ts';

/** The algorithms of signatures (RFC 7518, RFC 8037); HS* need a shared secret. */
export const JWT_ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
  ...(['HS256', 'HS384', 'HS512'] as const),
] as const;

const MAX_PROVIDERS = 16;

const name = text('The name of a claim.', { maxLength: 256, form: '.+' });

const jwks = Type.Object(
  {
    uri: text('The URL of the key set, of http or https.', { maxLength: 2_048, form: 'https?://[!-~]+' }),
    ca: dataKey('The CA certificates of that server, PEM; those of the platform, when absent.'),
    backendRef: backend('The backend that has the key set.'),
    path: text('The path of the key set at the backend.', { maxLength: 2_048, form: '/[!-~]*' }),
    keys: dataKey('The entry with the keys: a key set (RFC 7517), or one public key in PEM.'),
    secret: secretKey('The entry with a shared secret of at least 32 bytes, for the algorithms HS256, HS384 and HS512.'),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'The keys of the issuer: uri, backendRef, keys or secret.',
    'x-kubernetes-validations': [
      {
        rule: '[has(self.uri), has(self.backendRef), has(self.keys), has(self.secret)].filter(x, x).size() == 1 && (!has(self.ca) || has(self.uri)) && (!has(self.path) || has(self.backendRef))',
        message: 'must have exactly one of uri, backendRef, keys and secret; ca only with uri, and path only with backendRef',
      },
    ],
  },
);

const provider = Type.Object(
  {
    name: text('The name of the issuer in principal.id, which is then NAME:SUBJECT.', { maxLength: 64, form: '[A-Za-z0-9_.-]+' }),
    issuer: Type.String({ minLength: 1, maxLength: 1_024, description: 'The issuer, as in the claim iss.' }),
    audiences: texts('The claim aud must have one of them. Any audience, when absent.'),
    jwks,
    algorithms: choices('The algorithms of signatures. All that fit the keys, when absent.', JWT_ALGORITHMS),
    clockSkew: duration('How far the clocks of issuer and proxy may differ; 30s, when absent.'),
    requiredClaims,
    scopes: texts('The claim scope (or scp) must have all of them.'),
  },
  { additionalProperties: false, description: 'One issuer.' },
);

const claimToHeader = Type.Required(Type.Object({ claim: name, header: fieldName('The name of the header.') }));

export const jwt = group('A signed JSON Web Token (RFC 7519) of one of several issuers.', {
  providers: Type.Optional(Type.Array(provider, { minItems: 1, maxItems: MAX_PROVIDERS, description: 'The issuers.' })),
  from: credentialSources('Where the token is, in the order of the list. The header Authorization with the prefix Bearer, when absent.'),
  maxTokenBytes: size('The greatest size of a token; 8Ki, when absent.', { minimum: 256, maximum: 65_536 }),
  claimsToHeaders: Type.Optional(
    Type.Array(
      { ...claimToHeader, additionalProperties: false, description: 'One claim.' },
      { minItems: 1, maxItems: 32, description: 'Claims for the backend. Such headers of clients are removed.' },
    ),
  ),
  forward: flag('The backend gets the token too. Otherwise it is removed.'),
});
