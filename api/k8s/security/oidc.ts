// The authenticator `oidc`.
import { Type } from 'typebox';
import type { FieldError } from '../field-error.ts';
import { requiredSecretKey, secretKey } from '../policy-reference.ts';
import { choice, duration, flag, text } from '../setting.ts';

const PATH = '/([A-Za-z0-9._~-]+/?)*';
const ORIGIN = 'https?://[A-Za-z0-9.:\\[\\]-]+';

/** A path of the host of the request, or a URL. */
function place(description: string) {
  return text(description, { maxLength: 1_024, form: `((${ORIGIN})?${PATH}|${ORIGIN})` });
}

const scope = Type.String({ minLength: 1, maxLength: 128, pattern: '^[!#-\\[\\]-~]+$', '~must': 'a scope without spaces' });

const IN_REDIS = "has(self.sessionStore) && self.sessionStore == 'Redis'";

/** Of a session in a cookie nothing but the browser knows. */
const NEED_REDIS = ['sessionIdleTimeout', 'backChannelLogoutPath'] as const;

const RULES = NEED_REDIS.map((name) => ({ rule: `!has(self.${name}) || (${IN_REDIS})`, message: `${name} needs sessionStore: Redis` }));

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
      cookieKeys: requiredSecretKey(
        'The entry with the keys that seal cookies, one on a line, at least 32 random characters each. The first seals, all open.',
      ),
      scopes: Type.Optional(
        Type.Array(scope, {
          maxItems: 32,
          description: 'The scopes of the login besides openid, such as offline_access for refresh tokens.',
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
}

/** The rules that an authenticator violates. */
export function checkOidc(written: Written, field: string): FieldError[] {
  const lacking = written.sessionStore === 'Redis' ? [] : NEED_REDIS.filter((name) => written[name] !== undefined);
  return lacking.map((name) => ({ field: `${field}.${name}`, reason: 'needs sessionStore: Redis, since nothing ends a cookie' }));
}
