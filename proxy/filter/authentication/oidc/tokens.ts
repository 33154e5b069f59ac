// Sessions from the tokens of a provider: after a login, and after a refresh.
import { randomBytes } from 'node:crypto';
import type { Client } from '#lib/openid/client.ts';
import { claimsOfUser, ID_TOKEN_TYPES, idTokenProblem } from '#lib/openid/id-token.ts';
import type { Metadata } from '#lib/openid/metadata.ts';
import type { TokenAnswer } from '#lib/openid/redemption.ts';
import { nowSeconds, textOf } from '#lib/openid/values.ts';
import type { ExchangeTrace } from '../../../exchange/tracing.ts';
import type { Provider } from './provider.ts';
import type { OidcSession } from './session.ts';
import type { Terms } from './settings.ts';
import type { TokenVerifier } from './token-verifier.ts';

const ID_BYTES = 32;
/** Tokens whose lifetime the provider does not say. */
const USUAL_SECONDS = 300;
/** The part of the lifetime that is left when tokens are refreshed, and the most of it. */
const EARLY = 0.1;
const MAX_EARLY_SECONDS = 30;

type Tokens = Extract<TokenAnswer, { readonly type: 'tokens' }>;

/** A session, or the reason why there is none. */
export type SessionResult =
  | { readonly type: 'session'; readonly session: OidcSession }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'unavailable'; readonly reason: string };

export interface SessionMaker {
  readonly terms: Terms;
  readonly provider: Provider;
  readonly verifier: TokenVerifier;
}

/** A maker at work for an exchange. */
export interface TracedMaker extends SessionMaker {
  /** Of the exchange; null: it has none. */
  readonly trace: ExchangeTrace | null;
}

/** Redeems the code of a login. */
export async function loginSession(
  { terms, provider, verifier, trace }: TracedMaker,
  client: Client,
  metadata: Metadata,
  login: { readonly code: string; readonly verifier: string; readonly redirectUri: string; readonly nonce: string },
): Promise<SessionResult> {
  const fields = { grant_type: 'authorization_code', code: login.code, redirect_uri: login.redirectUri, code_verifier: login.verifier };
  const answer = await provider.redeem(client, fields, trace);
  if (answer.type === 'refused') return { type: 'refused', reason: 'the provider refuses the code' };
  if (answer.type === 'unavailable') return answer;
  if (answer.idToken === '') return { type: 'refused', reason: 'the provider sent no ID token' };
  const verified = await verifier.verify(answer.idToken, metadata, ID_TOKEN_TYPES, trace);
  if (verified.type !== 'verified') return verified;
  const { claims, algorithm } = verified;
  const problem = idTokenProblem(claims, {
    ...{ issuer: terms.issuer, clientId: terms.clientId, nonce: login.nonce },
    ...{ accessToken: answer.accessToken, algorithm },
  });
  if (problem !== null) return { type: 'refused', reason: problem };
  const session = {
    id: randomBytes(ID_BYTES).toString('base64url'),
    subject: textOf(claims, 'sub'),
    sid: textOf(claims, 'sid'),
    claims: claimsOfUser(claims),
    ...partsOf(answer, terms),
    endsAt: nowSeconds() + terms.sessionSeconds,
  };
  return { type: 'session', session };
}

/** Uses the refresh token of a session. The end of the session stays. */
export async function refreshedSession(
  { terms, provider, verifier, trace }: TracedMaker,
  client: Client,
  session: OidcSession,
): Promise<SessionResult> {
  const answer = await provider.redeem(client, { grant_type: 'refresh_token', refresh_token: session.refreshToken }, trace);
  if (answer.type === 'refused') return { type: 'refused', reason: 'the provider refuses the refresh token' };
  if (answer.type === 'unavailable') return answer;
  const parts = partsOf(answer, terms);
  const kept = { ...session, ...parts, refreshToken: parts.refreshToken === '' ? session.refreshToken : parts.refreshToken };
  // A refresh need not give an ID token (OpenID Connect Core section 12.2).
  if (answer.idToken === '') return { type: 'session', session: { ...kept, idToken: session.idToken } };
  const metadata = await provider.metadata(trace);
  if (metadata === null) return { type: 'unavailable', reason: 'the provider is not known yet' };
  const verified = await verifier.verify(answer.idToken, metadata, ID_TOKEN_TYPES, trace);
  if (verified.type !== 'verified') return verified;
  const { claims, algorithm } = verified;
  const { issuer, clientId } = terms;
  const problem = idTokenProblem(claims, { issuer, clientId, nonce: null, accessToken: answer.accessToken, algorithm });
  if (problem !== null) return { type: 'refused', reason: problem };
  if (claims['sub'] !== session.subject) return { type: 'refused', reason: 'the refreshed ID token is of another subject' };
  return { type: 'session', session: { ...kept, claims: claimsOfUser(claims) } };
}

function partsOf(tokens: Tokens, { forwardsToken }: Terms): Pick<OidcSession, 'refreshToken' | 'accessToken' | 'idToken' | 'freshUntil'> {
  const { accessToken, refreshToken, idToken, expiresIn } = tokens;
  const lifetime = expiresIn > 0 ? expiresIn : USUAL_SECONDS;
  const freshUntil = nowSeconds() + lifetime - Math.min(MAX_EARLY_SECONDS, lifetime * EARLY);
  return { refreshToken, accessToken: forwardsToken ? accessToken : '', idToken, freshUntil };
}
