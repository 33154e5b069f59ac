// Login with OpenID Connect (code flow with PKCE). The authenticator answers the paths of login and logout itself; a session in cookies or
// in Redis identifies all other requests.
//
//   request ──session──> principal, refreshed if its tokens are old
//      └──none──> 401, or for a page: provider ──code──> redirect path ──tokens──> session ──> the page that was asked for
import type { Client } from '#lib/openid/client.ts';
import type { Metadata } from '#lib/openid/metadata.ts';
import { nowSeconds } from '#lib/openid/values.ts';
import type { Exchange } from '../../../exchange/exchange.ts';
import { removeCookie } from '../../../exchange/cookies.ts';
import { setHeader } from '../../../exchange/headers.ts';
import type { DataHandle } from '../../../exchange/object-data.ts';
import type { SecurityEventFields, SecurityEventName } from '../../../exchange/security-events.ts';
import { Slot } from '../../../exchange/slot.ts';
import type { PolicyFilterContext } from '../../rule-policies.ts';
import { ABSENT, refused, unavailable, type Authenticator, type Outcome, type Watch } from '../authenticator.ts';
import { answerOf, redirect, type ProviderAnswer } from './answer.ts';
import { backChannelLogout } from './back-channel-logout.ts';
import { cookieName, cookieNames } from './cookie-jar.ts';
import { challengeOf, endLogin, findLogin, keepLogin, newLogin, type LoginState } from './login-state.ts';
import { logout } from './logout.ts';
import { Provider } from './provider.ts';
import { Refresher } from './refresher.ts';
import { readSealKeys, Sealer } from './sealer.ts';
import { entryOf, type OidcSession } from './session.ts';
import { RedisSessions } from './redis-sessions.ts';
import { COOKIE_SESSIONS, type Found, type SessionStore, type Visitor } from './session-store.ts';
import { termsOf, type OidcSettings, type Terms } from './settings.ts';
import { TokenVerifier } from './token-verifier.ts';
import { loginSession, refreshedSession, type SessionMaker, type SessionResult } from './tokens.ts';
import { isNavigation, returnPathOf, siteOf } from './visit.ts';

/** Values of Set-Cookie for the answer of a request that goes on. */
const COOKIES = new Slot<readonly string[]>();
/** The access token for the backend. */
const TOKEN = new Slot<string>();

export class Oidc implements Authenticator {
  readonly name = 'oidc';
  readonly challenge = 'OpenIDConnect';
  readonly #context: PolicyFilterContext;
  /** The policy in security events. */
  readonly #policy: string;
  readonly #terms: Terms;
  readonly #maker: SessionMaker;
  readonly #store: SessionStore;
  /** Null: the sessions are in cookies. */
  readonly #inRedis: RedisSessions | null;
  readonly #keys: DataHandle;
  readonly #secret: DataHandle | null;
  readonly #refresher = new Refresher<SessionResult>();
  /** The entry that `#sealer` is made of. */
  #entry: Buffer | null = null;
  #sealer: Sealer | null = null;

  constructor(settings: OidcSettings, context: PolicyFilterContext) {
    const { data, outside, origins, shared, sessions } = context;
    sessions.follow();
    this.#context = context;
    this.#policy = origins[0]?.policy ?? '';
    const { clientSecret, cookieKeys, ca } = settings;
    const terms = (this.#terms = termsOf(settings));
    this.#inRedis = terms.isInRedis ? new RedisSessions(terms, shared) : null;
    this.#store = this.#inRedis ?? COOKIE_SESSIONS;
    this.#keys = data.handle(cookieKeys);
    this.#secret = clientSecret === undefined ? null : data.handle(clientSecret);
    const authorities = ca === undefined ? null : { reference: ca, handle: data.handle(ca) };
    this.#maker = { terms, provider: new Provider(terms.issuer, outside, authorities), verifier: new TokenVerifier(context, ca) };
  }

  authenticate(exchange: Exchange): Outcome | Promise<Outcome> {
    const sealer = this.#currentSealer();
    if (sealer === null) return unavailable('the keys of the cookies are missing or too short');
    const visitor = { site: siteOf(exchange, this.#terms), headers: exchange.requestHeaders, sealer };
    if (exchange.path === this.#terms.redirectPath) return this.#return(exchange, visitor);
    if (exchange.path === this.#terms.logoutPath) return this.#logOut(exchange, visitor);
    if (exchange.path === this.#terms.backChannelPath) return this.#endByProvider(exchange);
    const found = this.#store.find(visitor);
    return found instanceof Promise ? found.then((late) => this.#decide(exchange, visitor, late)) : this.#decide(exchange, visitor, found);
  }

  /** The backend gets no cookie of a session or of a login. */
  strip(exchange: Exchange): void {
    for (const isSecure of [true, false]) {
      const start = cookieName(this.#terms.id, isSecure);
      for (const name of cookieNames(exchange.requestHeaders, start)) removeCookie(exchange.requestHeaders, name);
    }
    const token = TOKEN.get(exchange);
    if (token === null) return;
    TOKEN.set(exchange, null);
    setHeader(exchange.requestHeaders, 'authorization', `Bearer ${token}`);
  }

  /** Gives the browser a session that was refreshed, and keeps it out of caches. */
  response(exchange: Exchange): void {
    const cookies = COOKIES.get(exchange);
    if (cookies === null) return;
    COOKIES.set(exchange, null);
    for (const cookie of cookies) exchange.responseHeaders.push('set-cookie', cookie);
    setHeader(exchange.responseHeaders, 'cache-control', 'no-store');
  }

  dispose(): void {
    this.#maker.provider.close();
    this.#maker.verifier.close();
  }

  get #client(): Client | null {
    if (this.#secret === null) return { id: this.#terms.clientId, secret: '' };
    const secret = this.#secret.value?.toString('utf8').trim() ?? '';
    return secret === '' ? null : { id: this.#terms.clientId, secret };
  }

  #currentSealer(): Sealer | null {
    const { value } = this.#keys;
    if (value !== this.#entry) {
      this.#entry = value;
      const keys = value === null ? null : readSealKeys(value);
      this.#sealer = keys === null ? null : new Sealer(keys);
    }
    return this.#sealer;
  }

  #decide(exchange: Exchange, visitor: Visitor, found: Found): Outcome | Promise<Outcome> {
    if (!found.ok) return unavailable(found.error);
    const session = found.value;
    if (session === null) return this.#login(exchange, visitor);
    if (session.freshUntil > nowSeconds()) return this.#accept(exchange, session);
    return session.refreshToken === '' ? this.#login(exchange, visitor) : this.#refresh(exchange, visitor, session);
  }

  #logOut(exchange: Exchange, visitor: Visitor): Promise<Outcome> {
    const tell = this.#teller(exchange);
    const ended = (session: OidcSession): void => this.#context.sessions.end(this.#nameOf(session));
    return logout(exchange, visitor, { terms: this.#terms, provider: this.#maker.provider, store: this.#store, ended, tell });
  }

  #endByProvider(exchange: Exchange): Promise<Outcome> | Outcome {
    if (this.#inRedis === null) return unavailable('only sessions in Redis can be ended by the provider');
    const { wholeBody, sessions: open } = this.#context;
    const ended = (session: string): void => open.end(session);
    return backChannelLogout(exchange, { ...this.#maker, sessions: this.#inRedis, ended, wholeBody, tell: this.#teller(exchange) });
  }

  /** Tells operators about an exchange. */
  #teller(exchange: Exchange): (name: SecurityEventName, fields: SecurityEventFields) => void {
    return (name, fields) => this.#context.security.emit(name, exchange, { ...fields, policy: this.#policy });
  }

  /** Of a session among all that are open: the key of its entry, if it is in Redis. */
  #nameOf({ id }: OidcSession): string {
    const entry = entryOf(this.#terms.id, id);
    return this.#inRedis === null ? `cookie:${entry}` : entry;
  }

  #accept(exchange: Exchange, session: OidcSession): Outcome {
    const { subject, claims, accessToken } = session;
    const { groupsClaim } = this.#terms;
    const named = Object.hasOwn(claims, groupsClaim) ? claims[groupsClaim] : [];
    const groups = (Array.isArray(named) ? named : [named]).filter((group) => typeof group === 'string');
    if (accessToken !== '') TOKEN.set(exchange, accessToken);
    const principal = { id: subject, method: 'oidc', groups, claims, consumer: '', plan: '' } as const;
    const watch: Watch = (ended) => this.#context.sessions.watch(this.#nameOf(session), ended);
    return { type: 'authenticated', principal, credential: null, sessions: [watch] };
  }

  /** While the provider is away the session goes on until its end. */
  async #refresh(exchange: Exchange, visitor: Visitor, session: OidcSession): Promise<Outcome> {
    const client = this.#client;
    if (client === null) return this.#accept(exchange, session);
    const attempt = (): Promise<SessionResult> => this.#renew(exchange, visitor, { client, session });
    const result = await this.#refresher.refresh(session.refreshToken, attempt, ({ type }) => type === 'unavailable');
    if (result.type === 'unavailable') return this.#accept(exchange, session);
    if (result.type === 'refused') return this.#login(exchange, visitor);
    const kept = this.#store.renewed(visitor, result.session);
    if (!kept.ok) return unavailable(kept.error);
    if (kept.value.length > 0) COOKIES.set(exchange, kept.value);
    return this.#accept(exchange, result.session);
  }

  /** The session with new tokens: from the provider, or from another proxy that was faster. */
  async #renew(
    { trace }: Exchange,
    visitor: Visitor,
    { client, session }: { readonly client: Client; readonly session: OidcSession },
  ): Promise<SessionResult> {
    const claimed = await this.#store.claim(visitor, session);
    if (!claimed.ok) return { type: 'unavailable', reason: claimed.error };
    const current = claimed.value;
    if (current === null) return { type: 'unavailable', reason: 'another proxy refreshes the session' };
    if (current.freshUntil > nowSeconds()) return { type: 'session', session: current };
    const result = await refreshedSession({ ...this.#maker, trace }, client, current);
    if (result.type !== 'session') return result;
    const kept = await this.#store.renew(visitor, result.session);
    if (!kept.ok) return { type: 'unavailable', reason: kept.error };
    return kept.value ? result : { type: 'refused', reason: 'the session has ended' };
  }

  /** Sends a browser that asks for a page to the provider. */
  #login(exchange: Exchange, visitor: Visitor): Outcome | Promise<Outcome> {
    if (!isNavigation(exchange)) return ABSENT;
    const metadata = this.#maker.provider.metadata(exchange.trace);
    return metadata instanceof Promise
      ? metadata.then((late) => this.#leave(exchange, visitor, late))
      : this.#leave(exchange, visitor, metadata);
  }

  #leave(exchange: Exchange, visitor: Visitor, metadata: Metadata | null): Outcome {
    if (metadata === null) return unavailable(`the provider ${this.#maker.provider.problem}`);
    const { clientId, scope, redirectPath, parameters: further } = this.#terms;
    const login = newLogin(visitor.site.origin + redirectPath, returnPathOf(exchange));
    const url = new URL(metadata.authorizationEndpoint);
    const parameters = {
      ...{ response_type: 'code', client_id: clientId, scope, redirect_uri: login.redirectUri, state: login.state, nonce: login.nonce },
      ...{ code_challenge: challengeOf(login.verifier), code_challenge_method: 'S256' },
    };
    for (const { name, value } of further) url.searchParams.set(name, value);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return redirect(exchange, url.href, keepLogin(visitor, login));
  }

  /** The provider has sent the browser back. */
  async #return(exchange: Exchange, visitor: Visitor): Promise<Outcome> {
    const answer = answerOf(exchange);
    const login = answer === null ? null : findLogin(visitor, answer.state);
    if (answer === null || login === null) return refused('this browser has begun no such login');
    const metadata = await this.#maker.provider.metadata(exchange.trace);
    const client = this.#client;
    if (metadata === null || client === null) return unavailable('the provider or the secret of the client is not known');
    if (this.#isOfAnother(answer, metadata)) return refused('another provider has answered');
    if (answer.code === '') return refused('the provider has refused the login');
    const result = await loginSession({ ...this.#maker, trace: exchange.trace }, client, metadata, { ...login, code: answer.code });
    if (result.type === 'session') return this.#begin(exchange, visitor, login, result.session);
    return result.type === 'refused' ? refused(result.reason) : result;
  }

  /** RFC 9207: an answer of another provider, which was to redeem its code here. */
  #isOfAnother({ issuer }: Pick<ProviderAnswer, 'issuer'>, { namesIssuer }: Pick<Metadata, 'namesIssuer'>): boolean {
    return issuer === null ? namesIssuer : issuer !== this.#terms.issuer;
  }

  /** Gives the browser its session, and the page that it asked for. */
  async #begin(exchange: Exchange, visitor: Visitor, { state, returnPath }: LoginState, session: OidcSession): Promise<Outcome> {
    const kept = await this.#store.begin(visitor, session);
    if (!kept.ok) return unavailable(kept.error);
    this.#context.security.emit('session_started', exchange, { principal: session.subject, policy: this.#policy });
    return redirect(exchange, visitor.site.origin + returnPath, [...kept.value, endLogin(visitor, state)]);
  }
}
