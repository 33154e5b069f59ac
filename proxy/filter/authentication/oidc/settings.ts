// The settings of the authenticator `oidc` with their defaults.
import { createHash } from 'node:crypto';
import type { DataReference } from '../../../exchange/object-data.ts';

/** Of the question to the provider. */
export interface Parameter {
  readonly name: string;
  readonly value: string;
}

export interface OidcSettings {
  readonly issuer: string;
  readonly clientID: string;
  readonly clientSecret?: DataReference;
  readonly ca?: DataReference;
  readonly cookieKeys: DataReference;
  readonly scopes?: readonly string[];
  readonly authorizationParameters?: readonly Parameter[];
  readonly redirectURL?: string;
  readonly logoutPath?: string;
  readonly postLogoutURL?: string;
  readonly backChannelLogoutPath?: string;
  /** Milliseconds. */
  readonly sessionDuration?: number;
  readonly sessionStore?: 'Cookie' | 'Redis';
  /** Milliseconds. */
  readonly sessionIdleTimeout?: number;
  readonly groupsClaim?: string;
  readonly forwardAccessToken?: boolean;
}

/** The settings without gaps. */
export interface Terms {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** Besides those of every login. */
  readonly parameters: readonly Parameter[];
  /** '' for that of the request. */
  readonly redirectOrigin: string;
  readonly redirectPath: string;
  readonly logoutPath: string;
  readonly postLogoutUrl: string;
  /** Null: the provider ends no session. */
  readonly backChannelPath: string | null;
  readonly sessionSeconds: number;
  readonly isInRedis: boolean;
  /** A session without a request for so long ends; null: no session ends so. */
  readonly idleSeconds: number | null;
  readonly groupsClaim: string;
  readonly forwardsToken: boolean;
  /** Tells the cookies of the clients of providers apart. */
  readonly id: string;
}

const ORIGIN = /^https?:\/\/[^/]+/;
const EIGHT_HOURS_MS = 8 * 60 * 60 * 1_000;
const ID_LENGTH = 8;

export function termsOf(settings: OidcSettings): Terms {
  const { issuer, clientID: clientId, scopes = [], sessionDuration = EIGHT_HOURS_MS } = settings;
  const { groupsClaim = 'groups', forwardAccessToken: forwardsToken = false } = settings;
  const digest = createHash('sha256')
    .update(JSON.stringify([issuer, clientId]))
    .digest('hex');
  return {
    ...{ issuer, clientId, scope: [...new Set(['openid', ...scopes])].join(' '), parameters: settings.authorizationParameters ?? [] },
    ...placesOf(settings),
    ...{ sessionSeconds: wholeSeconds(sessionDuration), groupsClaim, forwardsToken },
    isInRedis: settings.sessionStore === 'Redis',
    idleSeconds: settings.sessionIdleTimeout === undefined ? null : wholeSeconds(settings.sessionIdleTimeout),
    id: digest.slice(0, ID_LENGTH),
  };
}

function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.floor(milliseconds / 1_000));
}

function placesOf(
  settings: OidcSettings,
): Pick<Terms, 'redirectOrigin' | 'redirectPath' | 'logoutPath' | 'postLogoutUrl' | 'backChannelPath'> {
  const { redirectURL = '/oauth2/callback', logoutPath = '/oauth2/logout', postLogoutURL: postLogoutUrl = '/' } = settings;
  const { backChannelLogoutPath: backChannelPath = null } = settings;
  const redirectOrigin = ORIGIN.exec(redirectURL)?.[0] ?? '';
  return { redirectOrigin, redirectPath: redirectURL.slice(redirectOrigin.length) || '/', logoutPath, postLogoutUrl, backChannelPath };
}
