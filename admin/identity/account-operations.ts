// Operations of callers about themselves: login, logout, password, second factor, own sessions and tokens.
import { Type } from '#lib/typebox.ts';
import { ok, type Result } from '#lib/result.ts';
import { adminOperation, reply, replyEmpty } from '../api/operation.ts';
import type { Area, Caller, OperationContext } from '../api/operation.ts';
import { pageOf } from '../api/page.ts';
import { PERMISSION_NAMES } from '../api/permissions.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import { csrfTokenOf } from './credential.ts';
import * as examples from './examples.ts';
import { SESSION_COOKIE } from './identity-authenticator.ts';
import type { Identity } from './identity.ts';
import type { Proof, Rotated } from './own-account.ts';
import * as schemas from './schemas.ts';
import { closed, NO_BODY, PASSWORD, shownSession, shownToken, shownUser } from './schemas.ts';
import { sessionCookie } from './session-cookie.ts';
import type { SessionLimits } from './session-table.ts';

const GONE = { status: 204, answer: NO_BODY } as const;
const SELF = { tag: 'account', permission: null, needsLogin: true } as const;
const CSRF = Type.String({ description: 'To send in the header Weir-CSRF-Token with each change.' });
const CODE = Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z0-9-]+$', description: 'A code of the app, or a recovery code.' });
const CODES = Type.Array(Type.String(), { description: 'Each replaces a code of the app once. They are not shown again.' });
const KEYS = { 409: ['key-missing'], 503: ['key-away'] };
const WRONG = { 403: ['session-needed', 'password-wrong'] };
const EXAMPLE_CSRF = 'b0xGq3Qh0dJmZr7c2vK1nT5uW8yA4sE6fLpXoNiUjHg';
const EXAMPLE_CODES = ['0f3k9-m2x7q-8h4tn-w5ry1'];

/** The operations, in the order of the document. */
export function accountArea(identity: Identity): Area {
  return {
    name: 'account',
    summary: 'Login, and the own account of the caller.',
    operations: [...logins(identity), ...profile(identity), ...secondFactor(identity), ...ownSessions(identity), ...ownTokens(identity)],
  };
}

function logins(identity: Identity) {
  return [login(identity), logout(identity)];
}

function login({ logins: desk, limits }: Identity) {
  return adminOperation({
    ...{ id: 'account.login', method: 'POST', path: '/login', tag: 'account', summary: 'Log in', permission: null },
    description: 'Begins a session in a cookie. A user with a second factor sends its code, too. A session of before ends.',
    body: closed({
      user: schemas.line('The name of the user.', 128),
      password: PASSWORD,
      code: Type.Optional(CODE),
    }),
    answer: closed({ user: schemas.USER, session: schemas.SESSION, csrfToken: CSRF }),
    problems: {
      401: ['login-refused', 'second-factor-needed'],
      429: ['login-throttled'],
      503: ['login-busy', 'store-away', 'key-away', 'key-wrong'],
    },
    example: {
      body: { user: 'ana', password: examples.EXAMPLE_PASSWORD, code: examples.EXAMPLE_CODE },
      answer: { user: examples.EXAMPLE_USER, session: examples.EXAMPLE_SESSION, csrfToken: EXAMPLE_CSRF },
    },
    async run({ body: { user, password, code = '' } }, context) {
      const { address } = context.caller;
      const begun = await desk.login({
        ...{ user: user.trim().toLowerCase(), password, code, address },
        ...{ userAgent: context.userAgent, formerSecret: context.cookie(SESSION_COOKIE) },
      });
      if (!begun.ok) return begun;
      const { user: found, session, secret, csrfToken } = begun.value;
      const shown = shownSession({ session, userName: found.name }, session.id);
      context.changed({ object: `session/${session.id}`, before: null, after: shown });
      return reply({ user: shownUser(found), session: shown, csrfToken }, { cookies: [sessionCookie(secret, limits)] });
    },
  });
}

function logout({ logins: desk, limits }: Identity) {
  return adminOperation({
    ...{ ...SELF, ...GONE, id: 'account.logout', method: 'POST', path: '/logout', summary: 'Log out' },
    description: 'Ends the session of the caller. A token has none: revoke it.',
    problems: { 403: ['session-needed'] },
    example: {},
    async run(_, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const ended = await desk.logout(own.value.session);
      if (!ended.ok) return ended;
      context.changed({ object: `session/${own.value.session}`, before: { user: context.caller.name }, after: null });
      return replyEmpty({ cookies: [sessionCookie('', limits)] });
    },
  });
}

function profile({ account, limits }: Identity) {
  const who = adminOperation({
    ...{ ...SELF, id: 'account.get', method: 'GET', path: '/me', summary: 'Tell the name and the permissions of the caller' },
    answer: closed({
      kind: Type.Enum(['user', 'token', 'serviceAccount']),
      name: Type.String({ description: 'The name of the caller.' }),
      session: Type.Union([Type.String(), Type.Null()], { description: 'The id of its session; null: a token.' }),
      everywhere: Type.Array(Type.String(), { description: 'The permissions that it has in all namespaces.' }),
      somewhere: Type.Array(Type.String(), { description: 'The permissions that it has in some namespaces only.' }),
    }),
    example: { answer: { kind: 'user', name: 'ana', session: examples.EXAMPLE_IDS.session, everywhere: ['traffic:read'], somewhere: [] } },
    run(_, { caller }) {
      const everywhere = PERMISSION_NAMES.filter((permission) => caller.may(permission, null));
      const somewhere = PERMISSION_NAMES.filter((permission) => caller.mayAnywhere(permission) && !caller.may(permission, null));
      const kind = caller.kind === 'anonymous' ? ('user' as const) : caller.kind;
      return Promise.resolve(reply({ kind, name: caller.name, session: caller.session, everywhere, somewhere }));
    },
  });
  const changePassword = adminOperation({
    ...{ ...SELF, id: 'account.changePassword', method: 'PUT', path: '/me/password', summary: 'Change the own password' },
    description: 'The other sessions of the user end, and its session gets another secret.',
    body: closed({ current: PASSWORD, password: PASSWORD }),
    answer: closed({ csrfToken: CSRF }),
    problems: WRONG,
    example: { body: { current: examples.EXAMPLE_PASSWORD, password: 'nine red kites at dawn' }, answer: { csrfToken: EXAMPLE_CSRF } },
    async run({ body }, context) {
      const proof = proofOf(context, body.current);
      if (!proof.ok) return proof;
      const rotated = await account.changePassword(proof.value, body.password);
      return rotated.ok ? rotatedReply(rotated.value, context, limits, { password: 'changed' }) : rotated;
    },
  });
  return [who, readCsrfToken(), changePassword];
}

function readCsrfToken() {
  return adminOperation({
    ...{ ...SELF, id: 'account.readCsrfToken', method: 'GET', path: '/me/csrf-token', summary: 'Read the token for changes' },
    description: 'For a page of this server that did not see the answer of the login. Other sites cannot read it.',
    answer: closed({ csrfToken: CSRF }),
    problems: { 403: ['session-needed'] },
    example: { answer: { csrfToken: EXAMPLE_CSRF } },
    run(_, context) {
      const own = ownSession(context);
      const secret = context.cookie(SESSION_COOKIE) ?? '';
      return Promise.resolve(own.ok ? reply({ csrfToken: csrfTokenOf(secret) }) : own);
    },
  });
}

const PROOF_BODY = closed({ password: PASSWORD });
const PROOF_EXAMPLE = { password: examples.EXAMPLE_PASSWORD };

function secondFactor(identity: Identity) {
  return [beginTotp(identity), confirmTotp(identity), removeTotp(identity), renewCodes(identity)];
}

function beginTotp({ account }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.beginTotp', method: 'POST', path: '/me/totp', summary: 'Make the secret of a second factor' },
    description: 'It has no effect before a code confirms it. A second factor that is on stays until then.',
    body: PROOF_BODY,
    answer: closed({ secret: Type.String(), uri: Type.String({ description: 'For a QR code.' }) }),
    problems: { ...WRONG, ...KEYS },
    example: {
      body: PROOF_EXAMPLE,
      answer: {
        secret: examples.EXAMPLE_TOTP_SECRET,
        uri: `otpauth://totp/Weir:ana?secret=${examples.EXAMPLE_TOTP_SECRET}&issuer=Weir`,
      },
    },
    async run({ body: { password } }, context) {
      const proof = proofOf(context, password);
      if (!proof.ok) return proof;
      const begun = await account.beginTotp(proof.value);
      if (!begun.ok) return begun;
      context.changed({ object: `user/${context.caller.name}`, before: null, after: { secondFactor: 'begun' } });
      return reply(begun.value);
    },
  });
}

function confirmTotp({ account, limits }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.confirmTotp', method: 'POST', path: '/me/totp/confirmation', summary: 'Turn the second factor on' },
    description: 'The other sessions of the user end.',
    body: closed({ code: CODE }),
    answer: closed({ csrfToken: CSRF, recoveryCodes: CODES }),
    problems: { 403: ['session-needed'], 409: ['totp-not-begun', 'key-missing'], 422: ['code-wrong'], 503: ['key-away', 'key-wrong'] },
    example: { body: { code: examples.EXAMPLE_CODE }, answer: { csrfToken: EXAMPLE_CSRF, recoveryCodes: EXAMPLE_CODES } },
    async run({ body: { code } }, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const confirmed = await account.confirmTotp(own.value.user, own.value.session, code);
      if (!confirmed.ok) return confirmed;
      const { secret, csrfToken, codes } = confirmed.value;
      context.changed({ object: `user/${context.caller.name}`, before: { secondFactor: false }, after: { secondFactor: true } });
      return reply({ csrfToken, recoveryCodes: [...codes] }, { cookies: [sessionCookie(secret, limits)] });
    },
  });
}

function removeTotp({ account, limits }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.removeTotp', method: 'POST', path: '/me/totp/removal', summary: 'Turn the second factor off' },
    ...{ body: PROOF_BODY, answer: closed({ csrfToken: CSRF }), problems: WRONG },
    example: { body: PROOF_EXAMPLE, answer: { csrfToken: EXAMPLE_CSRF } },
    async run({ body: { password } }, context) {
      const proof = proofOf(context, password);
      if (!proof.ok) return proof;
      const rotated = await account.removeTotp(proof.value);
      return rotated.ok ? rotatedReply(rotated.value, context, limits, { secondFactor: false }) : rotated;
    },
  });
}

function renewCodes({ account }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.renewRecoveryCodes', method: 'POST', path: '/me/recovery-codes', summary: 'Replace the recovery codes' },
    ...{ body: PROOF_BODY, answer: closed({ recoveryCodes: CODES }), problems: { ...WRONG, 409: ['totp-off'] } },
    example: { body: PROOF_EXAMPLE, answer: { recoveryCodes: EXAMPLE_CODES } },
    async run({ body: { password } }, context) {
      const proof = proofOf(context, password);
      if (!proof.ok) return proof;
      const codes = await account.renewCodes(proof.value);
      if (!codes.ok) return codes;
      context.changed({ object: `user/${context.caller.name}`, before: null, after: { recoveryCodes: 'replaced' } });
      return reply({ recoveryCodes: [...codes.value] });
    },
  });
}

function ownSessions(identity: Identity) {
  return [listSessions(identity), endSession(identity), endOtherSessions(identity)];
}

function listSessions({ sessions }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.listSessions', method: 'GET', path: '/me/sessions', summary: 'List the own sessions' },
    answer: pageOf(schemas.SESSION),
    problems: { 403: ['session-needed'] },
    example: { answer: { items: [examples.EXAMPLE_SESSION], next: null } },
    async run(_, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const found = await sessions.listOf(context.caller.name);
      return found.ok ? reply({ items: found.value.map((each) => shownSession(each, own.value.session)), next: null }) : found;
    },
  });
}

function endSession({ sessions }: Identity) {
  return adminOperation({
    ...{ ...SELF, ...GONE, id: 'account.endSession', method: 'DELETE', path: '/me/sessions/{session}', summary: 'End an own session' },
    params: closed({ session: schemas.ID }),
    problems: { 403: ['session-needed'] },
    example: { params: { session: examples.EXAMPLE_IDS.session }, unknown: { session: 'no-such-session' } },
    async run({ params }, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const ended = await sessions.end(context.caller, params.session, own.value.user);
      if (!ended.ok) return ended;
      context.changed({ object: `session/${params.session}`, before: shownSession(ended.value, own.value.session), after: null });
      return replyEmpty();
    },
  });
}

function endOtherSessions({ sessions }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.endOtherSessions', method: 'DELETE', path: '/me/sessions', summary: 'End the other own sessions' },
    answer: closed({ ended: Type.Integer({ description: 'The number of sessions that have ended.' }) }),
    problems: { 403: ['session-needed'] },
    example: { answer: { ended: 1 } },
    async run(_, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const ended = await sessions.endOthers(own.value.user, own.value.session);
      if (!ended.ok) return ended;
      context.changed({ object: `user/${context.caller.name}`, before: { otherSessions: ended.value }, after: { otherSessions: 0 } });
      return reply({ ended: ended.value });
    },
  });
}

function ownTokens(identity: Identity) {
  return [listTokens(identity), createToken(identity), revokeToken(identity)];
}

function listTokens({ tokens }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.listTokens', method: 'GET', path: '/me/tokens', summary: 'List the own API tokens' },
    answer: pageOf(schemas.TOKEN),
    problems: { 403: ['session-needed'] },
    example: { answer: { items: [examples.EXAMPLE_TOKEN], next: null } },
    async run(_, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const found = await tokens.listOf(context.caller.name);
      return found.ok ? reply({ items: found.value.map(shownToken), next: null }) : found;
    },
  });
}

function createToken({ tokens }: Identity) {
  return adminOperation({
    ...{ ...SELF, id: 'account.createToken', method: 'POST', path: '/me/tokens', summary: 'Make an own API token', status: 201 },
    description: 'It has the rights of the user, within the permissions and namespaces that are given.',
    body: schemas.NEW_TOKEN,
    answer: schemas.MADE_TOKEN,
    problems: { 403: ['session-needed'], 409: ['too-many-tokens'] },
    example: {
      body: examples.EXAMPLE_NEW_TOKEN,
      answer: { token: { ...examples.EXAMPLE_TOKEN, name: 'ci-2' }, secret: 'weir_...' },
    },
    async run({ body: { name, days, permissions = null, namespaces = null } }, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const made = await tokens.create(context.caller, context.caller.name, { name, days, scope: { permissions, namespaces } });
      if (!made.ok) return made;
      const token = shownToken(made.value);
      context.changed({ object: `token/${token.id}`, before: null, after: token });
      return reply({ token, secret: made.value.secret });
    },
  });
}

function revokeToken({ tokens }: Identity) {
  return adminOperation({
    ...{ ...SELF, ...GONE, id: 'account.revokeToken', method: 'DELETE', path: '/me/tokens/{token}', summary: 'Revoke an own API token' },
    params: closed({ token: schemas.ID }),
    problems: { 403: ['session-needed'] },
    example: { params: { token: examples.EXAMPLE_IDS.token }, unknown: { token: 'no-such-token' } },
    async run({ params }, context) {
      const own = ownSession(context);
      if (!own.ok) return own;
      const revoked = await tokens.revoke(context.caller, params.token, own.value.user);
      if (!revoked.ok) return revoked;
      context.changed({ object: `token/${params.token}`, before: shownToken(revoked.value), after: null });
      return replyEmpty();
    },
  });
}

/** The user and session of a caller. A token has neither: a stolen token must not make further credentials. */
function ownSession({ caller }: { readonly caller: Caller }): Result<{ readonly user: string; readonly session: string }, AdminProblem> {
  if (caller.kind === 'user' && caller.session !== null) return ok({ user: caller.id, session: caller.session });
  return refuse(403, 'session-needed', 'this needs a session: log in with user name and password, and send its cookie');
}

function proofOf(context: OperationContext, password: string): Result<Proof, AdminProblem> {
  const own = ownSession(context);
  return own.ok ? ok({ ...own.value, address: context.caller.address, password }) : own;
}

function rotatedReply({ user, secret, csrfToken }: Rotated, context: OperationContext, limits: SessionLimits, after: unknown) {
  context.changed({ object: `user/${user.name}`, before: null, after });
  return reply({ csrfToken }, { cookies: [sessionCookie(secret, limits)] });
}
