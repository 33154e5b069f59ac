// Operations of browsers that log in at a provider.
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply, replyEmpty, type AnswerCookie, type Area } from '../api/operation.ts';
import { refuse } from '../api/problem.ts';
import { SESSION_COOKIE } from '../identity/identity-authenticator.ts';
import { sessionCookie } from '../identity/session-cookie.ts';
import { closed, line, NO_BODY, shownSession } from '../identity/schemas.ts';
import type { SessionLimits } from '../identity/session-table.ts';
import { isReturnPath, LOGIN_SECONDS } from './login-state.ts';
import { CALLBACK_PATH, type OidcLogin } from './oidc-login.ts';

/** The cookie of a browser that logs in, without the prefix that the server adds. */
export const LOGIN_COOKIE = 'weir-login';

/** The page after a login that names none. */
const START_PAGE = '/api/v1/docs';

const AWAY = { 409: ['oidc-off'], 503: ['oidc-away', 'oidc-busy', 'store-away'] } as const;
const MOVED = { status: 302, answer: NO_BODY, permission: null } as const;

/** The login of the examples: the secret of the browser, the time in seconds since 1970, and the state that follows from them. */
export const EXAMPLE_LOGIN = {
  secret: 'the-secret-of-a-browser-in-the-examples-000',
  seconds: 1_234_567_890,
  state:
    'eyJpZCI6ImV4YW1wbGUiLCJzZWNvbmRzIjoxMjM0NTY3ODkwLCJyZXR1cm5QYXRoIjoiL2FwaS92MS9kb2NzIn0.WWSi9UtzrKFnOwlXXDQIP7r10yzEMtZVF4lbgPP41kE',
} as const;

export interface OidcParts {
  readonly oidc: OidcLogin;
  readonly limits: SessionLimits;
}

/** The operations, in the order of the document. */
export function oidcArea(parts: OidcParts): Area {
  const summary = 'Login of people at a provider (OpenID Connect), for browsers.';
  return { name: 'oidc', summary, operations: [begin(parts), finish(parts), logout(parts)] };
}

function begin({ oidc }: OidcParts) {
  return adminOperation({
    ...{ ...MOVED, id: 'oidc.begin', method: 'GET', path: '/login/oidc', tag: 'oidc', summary: 'Log in at the provider' },
    description: 'Sends the browser to the provider, which sends it back to the callback.',
    query: closed({
      returnTo: Type.Optional(Type.String({ maxLength: 512, description: 'The path to show after the login, on this server.' })),
    }),
    problems: AWAY,
    example: { query: { returnTo: START_PAGE } },
    async run({ query: { returnTo = START_PAGE } }, context) {
      if (!isReturnPath(returnTo)) return refuse(400, 'return-path', 'returnTo must be a path of this server, like /api/v1/docs');
      const departure = await oidc.begin(context.cookie(LOGIN_COOKIE), returnTo);
      if (!departure.ok) return departure;
      const { secret, location } = departure.value;
      return replyEmpty({ location, cookies: [loginCookie(secret)] });
    },
  });
}

/** A parameter that some providers add, and that has no effect. */
function unused(maxLength = 2_048) {
  return Type.Optional(Type.String({ maxLength, description: 'Sent by some providers; it has no effect.' }));
}

function finish({ oidc, limits }: OidcParts) {
  return adminOperation({
    ...{ ...MOVED, id: 'oidc.finish', method: 'GET', path: CALLBACK_PATH, tag: 'oidc', summary: 'Take the answer of the provider' },
    description: 'Begins a session in a cookie, and shows the page that the login named. A session of before ends.',
    audited: true,
    query: closed({
      state: Type.String({ minLength: 1, maxLength: 2_048, description: 'As it was sent to the provider.' }),
      code: Type.Optional(Type.String({ maxLength: 4_096, description: 'The code of the login.' })),
      iss: Type.Optional(Type.String({ maxLength: 2_048, description: 'The issuer of the answer.' })),
      error: Type.Optional(
        Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9_.-]*$', '~must': 'a code of an error', description: 'Why there is no code.' }),
      ),
      ...{ error_description: unused(), error_uri: unused(), session_state: unused(), scope: unused(), authuser: unused() },
      ...{ prompt: unused(), hd: unused() },
    }),
    problems: { 403: ['oidc-state', 'oidc-refused', 'user-disabled'], ...AWAY },
    example: { query: { state: EXAMPLE_LOGIN.state, code: 'code-of-the-provider' } },
    async run({ query: { state, code = '', iss = null, error = '' } }, context) {
      const { caller, userAgent } = context;
      const cookie = context.cookie(LOGIN_COOKIE);
      const browser = { cookie, address: caller.address, userAgent, formerSecret: context.cookie(SESSION_COOKIE) };
      const arrived = await oidc.finish({ state, code: error === '' ? code : '', error, issuer: iss }, browser);
      if (!arrived.ok) return arrived;
      const { login, location } = arrived.value;
      const after = shownSession({ session: login.session, userName: login.user.name }, login.session.id);
      context.changed({ object: `session/${login.session.id}`, before: null, after });
      return replyEmpty({ location, cookies: [sessionCookie(login.secret, limits), loginCookie('')] });
    },
  });
}

function logout({ oidc, limits }: OidcParts) {
  return adminOperation({
    ...{ id: 'oidc.logout', method: 'POST', path: '/logout/oidc', tag: 'oidc', summary: 'Log out here and at the provider' },
    ...{ permission: null, needsLogin: true },
    description: 'Ends the session of the caller, and names the page of the provider that ends the one there.',
    answer: closed({ url: Type.Union([line('The page to go to.', 65_536), Type.Null()], { description: 'Null: the provider has none.' }) }),
    problems: { 403: ['session-needed'] },
    example: { answer: { url: 'https://login.example.com/logout?client_id=weir' } },
    async run(_, context) {
      const { caller } = context;
      if (caller.session === null) return refuse(403, 'session-needed', 'this needs a session; a token has none: revoke it');
      const url = await oidc.logout(caller.session);
      if (!url.ok) return url;
      context.changed({ object: `session/${caller.session}`, before: { user: caller.name }, after: null });
      return reply({ url: url.value }, { cookies: [sessionCookie('', limits)] });
    },
  });
}

/** Lax: the provider leads the browser back with it. */
function loginCookie(secret: string): AnswerCookie {
  return { name: LOGIN_COOKIE, value: secret, maxAge: LOGIN_SECONDS, sameSite: 'Lax' };
}
