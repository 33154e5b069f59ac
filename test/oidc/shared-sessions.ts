// Two proxies whose sessions are in one real Redis, and the provider where their users log in.
import { expect } from '@jest/globals';
import { freePorts } from '../support/free-port.ts';
import { RedisServer } from '../support/redis.ts';
import type { Browser } from './browser.ts';
import { OidcWeir } from './oidc-weir.ts';
import { TestProvider, type ProviderOptions } from './provider.ts';

const CALLBACK = '/oauth2/callback';

export interface SharedSessions {
  readonly redis: RedisServer;
  readonly provider: TestProvider;
  readonly one: OidcWeir;
  readonly other: OidcWeir;
  stop(): Promise<void>;
}

/** The parts that a test file chooses. */
export interface SharedSettings {
  /** `other`: the second proxy. */
  readonly provider?: (other: OidcWeir) => ProviderOptions;
  /** Settings of the authenticator, in YAML. */
  readonly settings: string;
  /** Further flags of the proxies. */
  readonly args?: readonly string[];
}

export async function startSharedSessions({
  provider: options = () => ({}),
  settings,
  args = [],
}: SharedSettings): Promise<SharedSessions> {
  const [port = 0, backendPort = 0, otherPort = 0, otherBackendPort = 0] = await freePorts(4);
  const [one, other] = [new OidcWeir(port, backendPort), new OidcWeir(otherPort, otherBackendPort)];
  const redis = await RedisServer.start();
  const redirects = [one, other].map(({ origin }) => origin + CALLBACK);
  const provider = await TestProvider.start(redirects, [`${one.origin}/`], options(other));
  const all = ['--redis-url', `redis://127.0.0.1:${redis.port}`, '--redis-timeout', '5s', ...args];
  await Promise.all([one, other].map((weir) => weir.start(provider.issuer, settings, all)));
  const stop = async (): Promise<void> => void (await Promise.all([one.close(), other.close(), provider.stop(), redis.stop()]));
  return { redis, provider, one, other, stop };
}

/** Logs a user in. Resolves to the browser, which has the session. */
export async function logIn(weir: OidcWeir, user: string, browser: Browser): Promise<Browser> {
  expect((await browser.get(await callbackOf(weir, user, browser))).status).toBe(302);
  return browser;
}

/** Logs a user in at the provider. Resolves to the URL that the provider sends the browser to. */
export function callbackOf(weir: OidcWeir, user: string, browser: Browser): Promise<string> {
  return browser.logIn(weir.origin, user, (next) => next.startsWith(weir.origin + CALLBACK));
}
