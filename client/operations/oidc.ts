// The operations of oidc. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface OidcOperations {
  /** Log in at the provider. Sends the browser to the provider, which sends it back to the callback. */
  readonly 'oidc.begin': {
    readonly input: {
      readonly query?: {
        /** The path to show after the login, on this server. */
        readonly returnTo?: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'oidc-off' | 'oidc-away' | 'oidc-busy' | 'store-away';
  };
  /** Take the answer of the provider. Begins a session in a cookie, and shows the page that the login named. A session of before ends. */
  readonly 'oidc.finish': {
    readonly input: {
      readonly query: {
        /** As it was sent to the provider. */
        readonly state: string;
        /** The code of the login. */
        readonly code?: string;
        /** The issuer of the answer. */
        readonly iss?: string;
        /** Why there is no code. */
        readonly error?: string;
        /** Sent by some providers; it has no effect. */
        readonly error_description?: string;
        /** Sent by some providers; it has no effect. */
        readonly error_uri?: string;
        /** Sent by some providers; it has no effect. */
        readonly session_state?: string;
        /** Sent by some providers; it has no effect. */
        readonly scope?: string;
        /** Sent by some providers; it has no effect. */
        readonly authuser?: string;
        /** Sent by some providers; it has no effect. */
        readonly prompt?: string;
        /** Sent by some providers; it has no effect. */
        readonly hd?: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'oidc-state' | 'oidc-refused' | 'user-disabled' | 'oidc-off' | 'oidc-away' | 'oidc-busy' | 'store-away';
  };
  /** Log out here and at the provider. Ends the session of the caller, and names the page of the provider that ends the one there. */
  readonly 'oidc.logout': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** Null: the provider has none. */
      readonly url: string | null;
    };
    readonly streams: false;
    readonly code: 'session-needed';
  };
}

export const OIDC: Readonly<Record<keyof OidcOperations, OperationFacts>> = {
  'oidc.begin': { method: 'GET', path: '/login/oidc', streams: null },
  'oidc.finish': { method: 'GET', path: '/login/oidc/callback', streams: null },
  'oidc.logout': { method: 'POST', path: '/logout/oidc', streams: null },
};
