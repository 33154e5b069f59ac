// Login of people at a provider: the authorisation code flow of OpenID Connect Core 1.0 with PKCE, state and nonce, and RP-Initiated Logout.
import type { Log } from '#lib/log.ts';
import { isSignedBy } from '#lib/jose/signature.ts';
import { parseToken, type Token } from '#lib/jose/token.ts';
import { ID_TOKEN_TYPES, idTokenProblem } from '#lib/openid/id-token.ts';
import { textOf } from '#lib/openid/values.ts';
import type { Metadata } from '#lib/openid/metadata.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { ExternalLogins, ExternalPerson } from '../identity/external-logins.ts';
import type { Login } from '../identity/logins.ts';
import { challengeOf, findLogin, loginSecret, newLogin, type LoginState } from './login-state.ts';
import { Provider } from './provider.ts';
import type { OidcSettings } from './settings.ts';

/** The path below /api/v1 to which the provider sends browsers back. */
export const CALLBACK_PATH = '/login/oidc/callback';

/** Longer ID tokens are refused, and further groups. */
const MAX_TOKEN = 32_768;
const MAX_GROUPS = 500;
const MAX_GROUP = 256;
/** Codes that are redeemed at a time. */
const MAX_REDEEMED = 16;

/** What the provider sends back with the browser. */
export interface ProviderAnswer {
  readonly state: string;
  /** '' if the provider refuses the login. */
  readonly code: string;
  /** RFC 6749 section 4.1.2.1; '' without one. */
  readonly error: string;
  /** RFC 9207; null if the answer does not name its issuer. */
  readonly issuer: string | null;
}

/** The browser that logs in. */
export interface Browser {
  /** The secret of logins in its cookie; null without one. */
  readonly cookie: string | null;
  readonly address: string;
  readonly userAgent: string;
  /** The secret of the session that it already has; null without one. */
  readonly formerSecret: string | null;
}

/** A login that has begun: the secret for the cookie, and the page of the provider. */
export interface Departure {
  readonly secret: string;
  readonly location: string;
}

/** A login that has succeeded, and the page to show. */
export interface Arrival {
  readonly login: Login;
  readonly location: string;
}

export interface OidcLoginOptions {
  /** Null: there is no provider. */
  readonly settings: OidcSettings | null;
  readonly logins: ExternalLogins;
  readonly log: Log;
  /** Seconds since 1970; tests supply their own. */
  readonly now?: () => number;
}

type Claims = Readonly<Record<string, unknown>>;

export class OidcLogin {
  readonly #settings: OidcSettings | null;
  readonly #provider: Provider | null;
  readonly #logins: ExternalLogins;
  readonly #log: Log;
  readonly #now: () => number;
  #redeemed = 0;

  constructor({ settings, logins, log, now = () => Math.floor(Date.now() / 1_000) }: OidcLoginOptions) {
    this.#settings = settings;
    this.#provider = settings === null ? null : new Provider(settings);
    this.#logins = logins;
    this.#log = log;
    this.#now = now;
  }

  /** Sends a browser to the provider. */
  async begin(cookie: string | null, returnPath: string): Promise<Result<Departure, AdminProblem>> {
    const found = await this.#known();
    if (!found.ok) return found;
    const { settings, metadata } = found.value;
    const secret = loginSecret(cookie);
    const { state, nonce, verifier } = newLogin(secret, returnPath, this.#now());
    const url = new URL(metadata.authorizationEndpoint);
    const parameters = {
      ...{ response_type: 'code', client_id: settings.clientId, scope: settings.scopes.join(' '), redirect_uri: redirectUri(settings) },
      ...{ state, nonce, code_challenge: challengeOf(verifier), code_challenge_method: 'S256' },
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return ok({ secret, location: url.href });
  }

  /** The provider has sent the browser back. */
  async finish(answer: ProviderAnswer, browser: Browser): Promise<Result<Arrival, AdminProblem>> {
    const found = await this.#known();
    if (!found.ok) return found;
    const { settings, metadata } = found.value;
    const state = findLogin(browser.cookie, answer.state, this.#now());
    if (state === null) return refuse(403, 'oidc-state', 'this browser has begun no such login, or more than 10 minutes ago; log in again');
    // RFC 9207: an answer of another provider, whose code must not be redeemed here.
    const isOther = answer.issuer === null ? metadata.namesIssuer : answer.issuer !== settings.issuer;
    if (isOther) return this.#refused('another provider has answered');
    if (answer.code === '')
      return this.#refused(`the provider has refused the login (${answer.error === '' ? 'no reason' : answer.error})`);
    const person = await this.#identified(settings, metadata, state, answer.code);
    if (!person.ok) return person;
    const login = await this.#logins.login(person.value, browser);
    return login.ok ? ok({ login: login.value, location: settings.origin + state.returnPath }) : login;
  }

  /** Ends a session. Returns the page of the provider that ends the one there; null: there is none. */
  async logout(session: string): Promise<Result<string | null, AdminProblem>> {
    const ended = await this.#logins.logout(session);
    return ended.ok ? ok(await this.#logoutUrl(ended.value)) : ended;
  }

  async #logoutUrl(idToken: string): Promise<string | null> {
    const found = await this.#known();
    if (!found.ok || found.value.metadata.endSessionEndpoint === '') return null;
    const { settings, metadata } = found.value;
    const url = new URL(metadata.endSessionEndpoint);
    if (idToken !== '') url.searchParams.set('id_token_hint', idToken);
    url.searchParams.set('client_id', settings.clientId);
    url.searchParams.set('post_logout_redirect_uri', `${settings.origin}/`);
    return url.href;
  }

  async #known(): Promise<Result<{ readonly settings: OidcSettings; readonly metadata: Metadata }, AdminProblem>> {
    const [settings, provider] = [this.#settings, this.#provider];
    if (settings === null || provider === null)
      return refuse(409, 'oidc-off', 'there is no provider of logins; --admin-oidc-issuer names one');
    const metadata = await provider.metadata();
    return metadata.ok ? ok({ settings, metadata: metadata.value }) : this.#away(metadata.error);
  }

  async #identified(
    settings: OidcSettings,
    metadata: Metadata,
    login: LoginState,
    code: string,
  ): Promise<Result<ExternalPerson, AdminProblem>> {
    if (this.#redeemed >= MAX_REDEEMED) return refuse(503, 'oidc-busy', 'too many logins are under way; try again', { retryAfter: 1 });
    this.#redeemed++;
    try {
      return await this.#redeem(settings, metadata, login, code);
    } finally {
      this.#redeemed--;
    }
  }

  async #redeem(
    settings: OidcSettings,
    metadata: Metadata,
    login: LoginState,
    code: string,
  ): Promise<Result<ExternalPerson, AdminProblem>> {
    const provider = this.#provider as Provider;
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri(settings), code_verifier: login.verifier };
    const answer = await provider.redeem(fields);
    if (answer.type === 'refused') return this.#refused('the provider refuses the code');
    if (answer.type === 'unavailable') return this.#away(answer.reason);
    const { accessToken, idToken } = answer;
    const token = idToken.length > MAX_TOKEN ? null : parseToken(idToken, ID_TOKEN_TYPES);
    if (token === null) return this.#refused('the ID token is malformed');
    const { algorithm, claims } = token;
    // The keys are public: none of them is a shared secret.
    if (!metadata.algorithms.includes(algorithm) || algorithm.startsWith('HS'))
      return this.#refused('the ID token has an algorithm that is not accepted');
    const signed = await isSigned(provider, token);
    if (!signed.ok) return this.#away(signed.error);
    if (!signed.value) return this.#refused('the signature of the ID token is wrong');
    const expected = { issuer: settings.issuer, clientId: settings.clientId, nonce: login.nonce, accessToken, algorithm };
    const problem = idTokenProblem(claims, expected);
    return problem === null ? this.#personOf(settings, claims, idToken) : this.#refused(problem);
  }

  #personOf({ issuer, groupsClaim }: OidcSettings, claims: Claims, idToken: string): Result<ExternalPerson, AdminProblem> {
    const named: unknown = Object.hasOwn(claims, groupsClaim) ? claims[groupsClaim] : [];
    const groups = [...new Set((Array.isArray(named) ? named : [named]).filter((group) => typeof group === 'string'))];
    if (groups.length > MAX_GROUPS) return this.#refused(`the provider names ${groups.length} groups, and may name ${MAX_GROUPS}`);
    if (groups.some((group) => group.length > MAX_GROUP)) return this.#refused(`a group has a name of more than ${MAX_GROUP} characters`);
    const subject = textOf(claims, 'sub');
    const name = textOf(claims, 'preferred_username') || textOf(claims, 'email') || subject;
    return ok({ issuer, subject, name, displayName: textOf(claims, 'name') || name, groups, idToken });
  }

  #refused(reason: string): Result<never, AdminProblem> {
    this.#log.info({ reason }, 'a login at the provider is refused');
    return refuse(403, 'oidc-refused', `the login is refused: ${reason}`);
  }

  #away(reason: string): Result<never, AdminProblem> {
    this.#log.warn({ reason }, 'the provider of logins cannot be used');
    return err({
      status: 503,
      code: 'oidc-away',
      detail: 'the provider of logins cannot be used now; the log has the reason',
      retryAfter: 10,
    });
  }
}

/** Whether a key of the provider has signed the token. A key that is not known is looked for once. */
async function isSigned(provider: Provider, { keyId, algorithm, signed, signature }: Token): Promise<Result<boolean>> {
  const kept = await provider.keys(false);
  const keys = kept.ok && kept.value.candidates(keyId, algorithm).length === 0 ? await provider.keys(true) : kept;
  if (!keys.ok) return keys;
  return ok(keys.value.candidates(keyId, algorithm).some((key) => isSignedBy(algorithm, key, signed, signature)));
}

function redirectUri({ origin }: OidcSettings): string {
  return `${origin}/api/v1${CALLBACK_PATH}`;
}
