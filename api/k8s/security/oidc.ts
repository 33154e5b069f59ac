// The authenticator `oidc`.
import { Type } from '#lib/typebox.ts';
import { repeated } from '../duplicates.ts';
import type { FieldError } from '../field-error.ts';
import { dataKey, requiredSecretKey, secretKey } from '../policy-reference.ts';
import { choice, duration, flag, text } from '../setting.ts';

const PATH = '/([A-Za-z0-9._~-]+/?)*';
const ORIGIN = 'https?://[A-Za-z0-9.:\\[\\]-]+';

/** A path of the host of the request, or a URL. */
function place(description: string) {
  return text(description, { maxLength: 1_024, form: `((${ORIGIN})?${PATH}|${ORIGIN})` });
}

const scope = Type.String({ minLength: 1, maxLength: 128, pattern: '^[!#-\\[\\]-~]+$', '~must': 'a scope without spaces' });

const IN_REDIS = "has(self.sessionStore) && self.sessionStore == 'Redis'";

const parameter = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[A-Za-z0-9_.-]+$',
      description: 'The name.',
      '~must': 'the name of a parameter',
    }),
    value: Type.String({ maxLength: 1_024, description: 'The value.' }),
  },
  { additionalProperties: false, description: 'One parameter.' },
);

/** The login itself depends on these parameters, or the provider would take them from elsewhere. */
const RESERVED_PARAMETERS: readonly string[] = [
  ...['response_type', 'response_mode', 'client_id', 'redirect_uri', 'scope', 'state', 'nonce'],
  ...['code_challenge', 'code_challenge_method', 'request', 'request_uri', 'id_token_hint'],
];

/** Of a session in a cookie nothing but the browser knows. */
const NEED_REDIS = ['sessionIdleTimeout', 'backChannelLogoutPath'] as const;

const RULES = [
  ...NEED_REDIS.map((name) => ({ rule: `!has(self.${name}) || (${IN_REDIS})`, message: `${name} needs sessionStore: Redis` })),
  {
    rule: `!has(self.authorizationParameters) || self.authorizationParameters.all(x, !(x.name in [${RESERVED_PARAMETERS.map((name) => `'${name}'`).join(', ')}]) && self.authorizationParameters.exists_one(y, y.name == x.name))`,
    message: 'authorizationParameters must have each name once, and none that the login sets itself',
  },
];

/** Exactly what a login needs; a nearer policy replaces all of it. */
export const oidc = Type.Optional(
  Type.Object(
    {
      issuer: Type.String({
        ...{ minLength: 1, maxLength: 1_024, pattern: `^${ORIGIN}(${PATH})?$` },
        description: 'The URL of the provider, exactly as its metadata at .well-known/openid-configuration has it.',
        '~must': 'a URL like https://login.example',
      }),
      clientID: Type.String({ minLength: 1, maxLength: 256, description: 'The name of the client at the provider.' }),
      clientSecret: secretKey('The entry with the secret of the client. Without it the client is a public one.'),
      ca: dataKey('The CA certificates of the provider, PEM; those of the platform, when absent.'),
      cookieKeys: requiredSecretKey(
        'The entry with the keys that seal cookies, one on a line, at least 32 random characters each. The first seals, all open.',
      ),
      scopes: Type.Optional(
        Type.Array(scope, {
          maxItems: 32,
          description: 'The scopes of the login besides openid, such as offline_access for refresh tokens.',
        }),
      ),
      authorizationParameters: Type.Optional(
        Type.Array(parameter, {
          maxItems: 16,
          description: 'Further parameters of the question to the provider, such as prompt, login_hint, max_age or audience.',
        }),
      ),
      redirectURL: place(
        'Where the provider sends browsers back: a path, or the whole URL if the proxy does not see it. A route with this policy must match it. /oauth2/callback, when absent.',
      ),
      logoutPath: text('The path that ends the session, here and at the provider. /oauth2/logout, when absent.', {
        maxLength: 256,
        form: PATH,
      }),
      postLogoutURL: place('Where browsers are sent after the logout: a path or a URL. /, when absent.'),
      backChannelLogoutPath: text(
        'The path at which the provider ends sessions (OpenID Connect Back-Channel Logout), with sessionStore: Redis only. None, when absent.',
        { maxLength: 256, form: PATH },
      ),
      sessionDuration: duration('The end of a session after its login, whatever is refreshed. 8h, when absent.'),
      sessionStore: choice(
        'Where sessions are. Cookie, the default: sealed in the browser. Redis: sealed in the Redis of the proxies; the cookie has a random name only.',
        ['Cookie', 'Redis'],
      ),
      sessionIdleTimeout: duration('A session in Redis without a request for so long ends. Until sessionDuration, when absent.'),
      groupsClaim: text('The claim with the groups of the principal. groups, when absent.', { maxLength: 256, form: '[!-~]+' }),
      forwardAccessToken: flag('The backend gets the access token in Authorization. Otherwise it gets no token.'),
    },
    {
      additionalProperties: false,
      'x-kubernetes-validations': RULES,
      description: 'A login with OpenID Connect: browsers are sent to the provider, and have a session afterwards. Other requests get 401.',
    },
  ),
);

/** The settings as written, as far as the rules concern them. */
interface Written {
  readonly sessionStore?: string;
  readonly sessionIdleTimeout?: string;
  readonly backChannelLogoutPath?: string;
  readonly authorizationParameters?: readonly { readonly name: string }[];
}

/** The rules that an authenticator violates. */
export function checkOidc(written: Written, field: string): FieldError[] {
  const lacking = written.sessionStore === 'Redis' ? [] : NEED_REDIS.filter((name) => written[name] !== undefined);
  return [
    ...lacking.map((name) => ({ field: `${field}.${name}`, reason: 'needs sessionStore: Redis, since nothing ends a cookie' })),
    ...checkParameters(
      (written.authorizationParameters ?? []).map(({ name }) => name),
      `${field}.authorizationParameters`,
    ),
  ];
}

function checkParameters(names: readonly string[], field: string): FieldError[] {
  const reserved = names.flatMap((name, i) => (RESERVED_PARAMETERS.includes(name) ? [i] : []));
  return [
    ...reserved.map((i) => ({ field: `${field}[${i}].name`, reason: 'is set by the login itself: remove it' })),
    ...repeated(names).map((i) => ({ field: `${field}[${i}].name`, reason: 'is listed twice' })),
  ];
}
