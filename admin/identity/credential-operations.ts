// Operations about the sessions and API tokens of others.
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply, replyEmpty, type Area } from '../api/operation.ts';
import { pageOf } from '../api/page.ts';
import { EXAMPLE_IDS, EXAMPLE_NEW_TOKEN, EXAMPLE_SESSION, EXAMPLE_TOKEN } from './examples.ts';
import * as schemas from './schemas.ts';
import { closed, NO_BODY, shownSession, shownToken, USER_NAME } from './schemas.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';

const GONE = { status: 204, answer: NO_BODY } as const;
const EXCEEDED = { 403: ['rights-exceeded'] };
const USER_PARAMS = closed({ user: USER_NAME });
const USER_EXAMPLE = { params: { user: 'ana' }, unknown: { user: 'nobody' } };

const SESSION_READ = { method: 'GET', tag: 'sessions', permission: 'sessions:read', answer: pageOf(schemas.SESSION) } as const;
const SESSION_WRITE = { method: 'DELETE', tag: 'sessions', permission: 'sessions:write', problems: EXCEEDED } as const;
const SESSION_ANSWER = { items: [{ ...EXAMPLE_SESSION, current: false }], next: null };

export function sessionArea(sessions: Sessions): Area {
  return {
    name: 'sessions',
    summary: 'The sessions of users.',
    operations: [listSessions(sessions), listSessionsOf(sessions), endSession(sessions), endSessionsOf(sessions)],
  };
}

function listSessions(sessions: Sessions) {
  return adminOperation({
    ...{ ...SESSION_READ, id: 'sessions.list', path: '/sessions', summary: 'List the newest 1000 sessions of all users' },
    example: { answer: SESSION_ANSWER },
    async run(_, { caller }) {
      const found = await sessions.list();
      return found.ok ? reply({ items: found.value.map((each) => shownSession(each, caller.session)), next: null }) : found;
    },
  });
}

function listSessionsOf(sessions: Sessions) {
  return adminOperation({
    ...{ ...SESSION_READ, id: 'users.listSessions', path: '/users/{user}/sessions', summary: 'List the sessions of a user' },
    params: USER_PARAMS,
    example: { ...USER_EXAMPLE, answer: SESSION_ANSWER },
    async run({ params }, { caller }) {
      const found = await sessions.listOf(params.user);
      return found.ok ? reply({ items: found.value.map((each) => shownSession(each, caller.session)), next: null }) : found;
    },
  });
}

function endSession(sessions: Sessions) {
  return adminOperation({
    ...{ ...SESSION_WRITE, ...GONE, id: 'sessions.end', path: '/sessions/{session}', summary: 'End a session' },
    params: closed({ session: schemas.ID }),
    example: { params: { session: EXAMPLE_IDS.session }, unknown: { session: 'no-such-session' } },
    async run({ params }, { caller, changed }) {
      const ended = await sessions.end(caller, params.session, null);
      if (!ended.ok) return ended;
      changed({ object: `session/${params.session}`, before: shownSession(ended.value, null), after: null });
      return replyEmpty();
    },
  });
}

function endSessionsOf(sessions: Sessions) {
  return adminOperation({
    ...{ ...SESSION_WRITE, id: 'users.endSessions', path: '/users/{user}/sessions', summary: 'End all sessions of a user' },
    params: USER_PARAMS,
    answer: closed({ ended: Type.Integer({ description: 'The number of sessions that have ended.' }) }),
    example: { ...USER_EXAMPLE, answer: { ended: 2 } },
    async run({ params }, { caller, changed }) {
      const ended = await sessions.endAll(caller, params.user);
      if (!ended.ok) return ended;
      changed({ object: `user/${params.user}`, before: { sessions: ended.value }, after: { sessions: 0 } });
      return reply({ ended: ended.value });
    },
  });
}

const TOKEN_READ = { method: 'GET', tag: 'tokens', permission: 'tokens:read', answer: pageOf(schemas.TOKEN) } as const;
const TOKEN_WRITE = { tag: 'tokens', permission: 'tokens:write' } as const;
const TOKEN_ANSWER = { items: [EXAMPLE_TOKEN], next: null };

export function tokenArea(tokens: Tokens): Area {
  return {
    name: 'tokens',
    summary: 'API tokens for programs.',
    operations: [listTokens(tokens), listTokensOf(tokens), createToken(tokens), revokeToken(tokens)],
  };
}

function listTokens(tokens: Tokens) {
  return adminOperation({
    ...{ ...TOKEN_READ, id: 'tokens.list', path: '/tokens', summary: 'List the oldest 1000 API tokens of all users' },
    example: { answer: TOKEN_ANSWER },
    async run() {
      const found = await tokens.list();
      return found.ok ? reply({ items: found.value.map(shownToken), next: null }) : found;
    },
  });
}

function listTokensOf(tokens: Tokens) {
  return adminOperation({
    ...{ ...TOKEN_READ, id: 'users.listTokens', path: '/users/{user}/tokens', summary: 'List the API tokens of a user' },
    params: USER_PARAMS,
    example: { ...USER_EXAMPLE, answer: TOKEN_ANSWER },
    async run({ params }) {
      const found = await tokens.listOf(params.user);
      return found.ok ? reply({ items: found.value.map(shownToken), next: null }) : found;
    },
  });
}

function createToken(tokens: Tokens) {
  return adminOperation({
    ...{
      ...TOKEN_WRITE,
      id: 'users.createToken',
      method: 'POST',
      path: '/users/{user}/tokens',
      summary: 'Make an API token for a user',
      status: 201,
    },
    description: 'The caller must have all rights that the token has.',
    params: USER_PARAMS,
    body: schemas.NEW_TOKEN,
    answer: schemas.MADE_TOKEN,
    problems: { ...EXCEEDED, 409: ['too-many-tokens'] },
    example: { ...USER_EXAMPLE, body: EXAMPLE_NEW_TOKEN, answer: { token: { ...EXAMPLE_TOKEN, name: 'ci-2' }, secret: 'weir_...' } },
    async run({ params, body: { name, days, permissions = null, namespaces = null } }, { caller, changed }) {
      const made = await tokens.create(caller, params.user, { name, days, scope: { permissions, namespaces } });
      if (!made.ok) return made;
      const token = shownToken(made.value);
      changed({ object: `token/${token.id}`, before: null, after: token });
      return reply({ token, secret: made.value.secret });
    },
  });
}

function revokeToken(tokens: Tokens) {
  return adminOperation({
    ...{ ...TOKEN_WRITE, ...GONE, id: 'tokens.revoke', method: 'DELETE', path: '/tokens/{token}', summary: 'Revoke an API token' },
    params: closed({ token: schemas.ID }),
    problems: EXCEEDED,
    example: { params: { token: EXAMPLE_IDS.token }, unknown: { token: 'no-such-token' } },
    async run({ params }, { caller, changed }) {
      const revoked = await tokens.revoke(caller, params.token, null);
      if (!revoked.ok) return revoked;
      changed({ object: `token/${params.token}`, before: shownToken(revoked.value), after: null });
      return replyEmpty();
    },
  });
}
