// Back-channel logout: the provider itself, not a browser, ends sessions with a signed token (OpenID Connect Back-Channel Logout).
import { err, ok, type Result } from '#lib/result.ts';
import type { Exchange } from '../../../exchange/exchange.ts';
import { getHeader } from '../../../exchange/headers.ts';
import type { SecurityEventFields } from '../../../exchange/security-events.ts';
import type { FilterDependencies } from '../../filter.ts';
import { unavailable, type Outcome } from '../authenticator.ts';
import { answer } from './answer.ts';
import { LOGOUT_TOKEN_TYPES, readLogoutToken, type ProviderLogout } from './logout-token.ts';
import type { RedisSessions } from './redis-sessions.ts';
import type { SessionMaker } from './tokens.ts';

const MAX_BODY = 65_536;

export interface BackChannelOptions extends SessionMaker {
  readonly sessions: RedisSessions;
  /** Ends what is open by a session. */
  readonly ended: (session: string) => void;
  readonly wholeBody: FilterDependencies['wholeBody'];
  readonly tell: (name: 'authentication_failed' | 'session_ended', fields: SecurityEventFields) => void;
}

export async function backChannelLogout(exchange: Exchange, options: BackChannelOptions): Promise<Outcome> {
  const { provider, verifier, terms, sessions, tell } = options;
  const refuse = (reason: string): Outcome => {
    tell('authentication_failed', { reason });
    return answer(exchange, 400, []);
  };
  const token = await tokenOf(exchange, options);
  if (!token.ok) return refuse(token.error);
  const metadata = await provider.metadata(exchange.trace);
  if (metadata === null) return unavailable('the provider is not known yet');
  const verified = await verifier.verify(token.value, metadata, LOGOUT_TOKEN_TYPES, exchange.trace);
  if (verified.type === 'unavailable') return verified;
  const wanted: Result<ProviderLogout> = verified.type === 'refused' ? err(verified.reason) : readLogoutToken(verified.claims, terms);
  if (!wanted.ok) return refuse(wanted.error);
  const ended = await sessions.end(wanted.value);
  if (!ended.ok) return unavailable(ended.error);
  if (ended.value === null) return refuse('the logout token has been used');
  for (const session of ended.value) options.ended(session);
  tell('session_ended', { reason: 'logout at the provider', principal: wanted.value.subject });
  return answer(exchange, 200, []);
}

/** The token in the form that the provider posts. */
async function tokenOf(exchange: Exchange, { wholeBody }: BackChannelOptions): Promise<Result<string>> {
  const type = getHeader(exchange.requestHeaders, 'content-type') ?? '';
  const isForm = /^application\/x-www-form-urlencoded(;|$)/i.test(type.trim());
  const body = exchange.method === 'POST' && isForm ? await wholeBody(exchange, MAX_BODY) : null;
  const [token, another] = body === null ? [] : new URLSearchParams(body.toString('latin1')).getAll('logout_token');
  return token === undefined || another !== undefined ? err('the request has no logout token') : ok(token);
}
