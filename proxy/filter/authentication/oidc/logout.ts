// Logout: ends the session here, then at the provider (OpenID Connect RP-Initiated Logout).
import { ERRORS } from '../../../exchange/errors.ts';
import type { Exchange } from '../../../exchange/exchange.ts';
import { refuse } from '../../../exchange/local-reply.ts';
import type { SecurityEventFields } from '../../../exchange/security-events.ts';
import { unavailable, type Outcome } from '../authenticator.ts';
import { redirect } from './answer.ts';
import type { Provider } from './provider.ts';
import type { OidcSession } from './session.ts';
import type { SessionStore, Visitor } from './session-store.ts';
import type { Terms } from './settings.ts';
import { isOwnRequest } from './visit.ts';

export interface LogoutOptions {
  readonly terms: Terms;
  readonly provider: Provider;
  readonly store: SessionStore;
  /** Ends what is open by the session. */
  readonly ended: (session: OidcSession) => void;
  readonly tell: (name: 'csrf_refused' | 'session_ended', fields: SecurityEventFields) => void;
}

/** Ends the session of a browser. A page of another site cannot cause it. A provider that is away does not keep the session alive. */
export async function logout(exchange: Exchange, visitor: Visitor, options: LogoutOptions): Promise<Outcome> {
  const { terms, provider, store, ended, tell } = options;
  if (!isOwnRequest(exchange, visitor.site)) {
    tell('csrf_refused', { reason: 'another site asks for a logout' });
    refuse(exchange, ERRORS.accessDenied);
    return { type: 'answered' };
  }
  const found = await store.find(visitor);
  if (!found.ok) return unavailable(found.error);
  const removed = await store.forget(visitor);
  if (!removed.ok) return unavailable(removed.error);
  const session = found.value;
  if (session !== null) {
    ended(session);
    tell('session_ended', { reason: 'logout', principal: session.subject });
  }
  const metadata = await provider.metadata(exchange.trace);
  const { origin } = visitor.site;
  const home = terms.postLogoutUrl.startsWith('/') ? origin + terms.postLogoutUrl : terms.postLogoutUrl;
  const location = session === null || metadata === null ? home : endSessionUrl(metadata.endSessionEndpoint, session, terms.clientId, home);
  return redirect(exchange, location, removed.value);
}

/** `home` if the provider has no such endpoint. */
function endSessionUrl(endpoint: string, { idToken }: OidcSession, clientId: string, home: string): string {
  if (endpoint === '') return home;
  const url = new URL(endpoint);
  if (idToken !== '') url.searchParams.set('id_token_hint', idToken);
  url.searchParams.set('client_id', clientId);
  url.searchParams.set('post_logout_redirect_uri', home);
  return url.href;
}
