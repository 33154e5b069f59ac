// The authenticator `introspection`: opaque tokens, which an endpoint of their issuer explains (RFC 7662).
import { Type } from '#lib/typebox.ts';
import { parseDuration } from '#lib/duration.ts';
import type { FieldError } from '../field-error.ts';
import { backend, dataKey, requiredSecretKey } from '../policy-reference.ts';
import { count, duration, flag, group, size, text } from '../setting.ts';
import { credentialSources } from './credential-source.ts';
import { requiredClaims, texts } from './token-claims.ts';

const RULES = [
  { rule: 'has(self.uri) != has(self.backendRef)', message: 'must have exactly one of uri and backendRef' },
  {
    rule: '(!has(self.ca) || has(self.uri)) && (!has(self.path) || has(self.backendRef))',
    message: 'must have ca only with uri, and path only with backendRef',
  },
];

export const introspection = Type.Optional(
  Type.Object(
    {
      uri: text('The URL of the endpoint, of http or https.', { maxLength: 2_048, form: 'https?://[!-~]+' }),
      ca: dataKey('The CA certificates of that server, PEM; those of the platform, when absent.'),
      backendRef: backend('The backend that has the endpoint.'),
      path: text('The path of the endpoint at the backend; /introspect, when absent.', { maxLength: 2_048, form: '/[!-~]*' }),
      clientID: Type.String({ minLength: 1, maxLength: 256, description: 'The name of the proxy as a client of the endpoint.' }),
      clientSecret: requiredSecretKey('The entry with the secret of the client.'),
      issuer: text('The issuer of the tokens, for the credentials of Consumers. If an answer names another one, the token is refused.', {
        maxLength: 1_024,
        form: '[!-~]+',
      }),
      audiences: texts('The claim aud must have one of them. Any audience, when absent.'),
      scopes: texts('The claim scope must have all of them.'),
      requiredClaims,
      from: credentialSources(
        'Where the token is, in the order of the list. The header Authorization with the prefix Bearer, when absent.',
      ),
      maxTokenBytes: size('The greatest size of a token; 4Ki, when absent.', { minimum: 16, maximum: 65_536 }),
      timeout: duration('How long the endpoint may take.'),
      cache: group('Answers are used again.', {
        ttl: duration('How long an answer about a valid token is used, at most until the token expires.'),
        inactiveTtl: duration('How long the answer that a token is not valid is used.'),
        entries: count('The number of tokens that are remembered, valid and invalid ones apart.', { minimum: 1, maximum: 1_000_000 }),
      }),
      forward: flag('The backend gets the token too. Otherwise it is removed.'),
    },
    {
      additionalProperties: false,
      description: 'A token that an endpoint of its issuer explains (RFC 7662).',
      'x-kubernetes-validations': RULES,
    },
  ),
);

/** The settings as written, as far as the rules concern them. */
interface Written {
  readonly uri?: unknown;
  readonly ca?: unknown;
  readonly backendRef?: unknown;
  readonly path?: unknown;
  readonly timeout?: string;
}

/** The rules that an authenticator violates. */
export function checkIntrospection(written: Written, field: string): FieldError[] {
  return CHECKS.flatMap(([at, reason, isBroken]) => (isBroken(written) ? [{ field: `${field}.${at}`, reason }] : []));
}

/** Field, reason, and whether the settings break the rule. */
const CHECKS: readonly (readonly [field: string, reason: string, isBroken: (written: Written) => boolean])[] = [
  ['uri', 'is missing: set it, or backendRef, to the endpoint', ({ uri, backendRef }) => uri === undefined && backendRef === undefined],
  ['uri', 'must not stand beside backendRef: remove one of them', ({ uri, backendRef }) => uri !== undefined && backendRef !== undefined],
  ['ca', 'is only for uri: remove it', ({ uri, ca }) => ca !== undefined && uri === undefined],
  ['path', 'is only for backendRef: remove it', ({ backendRef, path }) => path !== undefined && backendRef === undefined],
  ['timeout', 'must be more than 0', ({ timeout }) => timeout !== undefined && isZero(timeout)],
];

function isZero(text: string): boolean {
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value === 0;
}
