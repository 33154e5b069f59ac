// Back-channel logout: a real provider, and attackers, end sessions of two proxies.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { describeWith } from '../support/describe-with.ts';
import type { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { Browser, NAVIGATION } from './browser.ts';
import type { OidcWeir } from './oidc-weir.ts';
import type { TestProvider } from './provider.ts';
import { logIn as logInAt, startSharedSessions } from './shared-sessions.ts';

const SCRIPT = { headers: { accept: '*/*' } };
const PATH = '/oauth2/backchannel-logout';
const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const STRANGER = generateKeyPairSync('rsa', { modulusLength: 2_048 });

describeWith(['redis'], 'back-channel logout', () => {
  let redis: RedisServer;
  let provider: TestProvider;
  let one: OidcWeir;
  let other: OidcWeir;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    ({ redis, provider, one, other, stop } = await startSharedSessions({
      provider: ({ origin }) => ({ backChannelLogoutUri: origin + PATH }),
      settings: `sessionStore: Redis\n      backChannelLogoutPath: ${PATH}`,
      args: ['--security-log', 'stdout'],
    }));
  });

  afterAll(() => stop());

  beforeEach(async () => void (await redis.command('FLUSHALL')));

  const logIn = (user: string, weir = one, browser = new Browser()): Promise<Browser> => logInAt(weir, user, browser);

  const status = async (browser: Browser, weir = one): Promise<number> => (await browser.get(weir.origin, SCRIPT)).status;

  const claims = (): Record<string, unknown> => {
    const now = Math.floor(Date.now() / 1_000);
    return { iss: provider.issuer, aud: 'shop', iat: now, exp: now + 120, jti: randomUUID(), sub: 'alice', events: EVENTS };
  };

  async function post(token: string, weir = one, body = new URLSearchParams({ logout_token: token }).toString()): Promise<number> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return (await new Browser().get(weir.origin + PATH, { method: 'POST', headers, body })).status;
  }

  test('a logout at the provider ends the sessions of the browser at all proxies, and no others', async () => {
    const browser = await logIn('alice');
    await logIn('alice', other, browser);
    const elsewhere = await logIn('alice');
    const bob = await logIn('bob');
    expect([await status(browser), await status(browser, other)]).toEqual([200, 200]);
    const page = await browser.get(`${provider.issuer}/session/end`);
    const [, action = ''] = /action="([^"]+)"/.exec(page.text) ?? [];
    const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(page.text) ?? [];
    const headers = { ...NAVIGATION, 'content-type': 'application/x-www-form-urlencoded' };
    const ended = await browser.get(new URL(action, page.url).href, {
      ...{ method: 'POST', headers, body: new URLSearchParams({ xsrf, logout: 'yes' }).toString() },
    });
    expect(ended.status).toBeLessThan(400);
    expect([await status(browser), await status(browser, other)]).toEqual([401, 401]);
    expect([await status(elsewhere), await status(bob)]).toEqual([200, 200]);
    await until(() => other.output.includes('"event":"session_ended","reason":"logout at the provider"'), 'the event');
  });

  test('a token with a subject only ends all sessions of the subject', async () => {
    const browsers = [await logIn('alice'), await logIn('alice', other)];
    const bob = await logIn('bob');
    expect(await post(provider.sign(claims(), { typ: 'logout+jwt' }))).toBe(200);
    expect([await status(browsers[0] as Browser), await status(browsers[1] as Browser, other)]).toEqual([401, 401]);
    expect(await status(bob)).toBe(200);
    // The user may log in again.
    expect(await status(await logIn('alice'))).toBe(200);
  });

  test('a token ends WebSockets and streams of events at all proxies', async () => {
    const [alice, bob] = [await logIn('alice'), await logIn('bob')];
    const cookieOf = (browser: Browser): string => [...browser.jar(one.origin)].map((pair) => pair.join('=')).join('; ');
    const [ended, kept] = [await one.openAll(cookieOf(alice)), await one.openAll(cookieOf(bob))];
    expect(await post(provider.sign(claims()), other)).toBe(200);
    await until(() => ended.code() === 1_008 && !ended.streams(), 'the ends of the connections');
    expect([kept.code(), kept.streams()]).toEqual([0, true]);
  });

  test('a token ends sessions once, at any proxy', async () => {
    const token = provider.sign(claims());
    expect(await post(token)).toBe(200);
    const browser = await logIn('alice');
    expect([await post(token), await post(token, other)]).toEqual([400, 400]);
    expect(await status(browser)).toBe(200);
  });

  const unsigned = (header: object, own: object): string =>
    [header, own].map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')).join('.');

  test.each<[string, () => string]>([
    ['of another issuer', () => provider.sign({ ...claims(), iss: 'https://evil.example' })],
    ['for another client', () => provider.sign({ ...claims(), aud: 'other' })],
    ['without an audience', () => provider.sign({ ...claims(), aud: undefined })],
    ['that has expired', () => provider.sign({ ...claims(), exp: 1_000_000_000 })],
    ['without an end', () => provider.sign({ ...claims(), exp: undefined })],
    ['of the future', () => provider.sign({ ...claims(), iat: 4_000_000_000 })],
    ['without an event', () => provider.sign({ ...claims(), events: undefined })],
    ['with another event', () => provider.sign({ ...claims(), events: { 'http://schemas.openid.net/event/other': {} } })],
    ['with an event that is no object', () => provider.sign({ ...claims(), events: { [Object.keys(EVENTS)[0] ?? '']: 1 } })],
    ['with a nonce', () => provider.sign({ ...claims(), nonce: 'n' })],
    ['without an id', () => provider.sign({ ...claims(), jti: undefined })],
    ['with neither subject nor session', () => provider.sign({ ...claims(), sub: undefined })],
    ['of the type of access tokens', () => provider.sign(claims(), { typ: 'at+jwt' })],
    ['with an algorithm that is none', () => `${unsigned({ alg: 'none' }, claims())}.`],
    [
      'with an algorithm of shared secrets',
      () => {
        const text = unsigned({ alg: 'HS256' }, claims());
        return `${text}.${createHmac('sha256', 'a secret: 100% of it').update(text).digest('base64url')}`;
      },
    ],
    [
      'with the key of a stranger',
      () => {
        const text = unsigned({ alg: 'RS256', kid: 'one' }, claims());
        return `${text}.${sign('sha256', Buffer.from(text), STRANGER.privateKey).toString('base64url')}`;
      },
    ],
    ['that is none', () => 'x'],
  ])('a token %s ends nothing', async (_, token) => {
    const browser = await logIn('alice');
    const before = one.output.length;
    expect(await post(token())).toBe(400);
    expect(await status(browser)).toBe(200);
    await until(() => one.output.slice(before).includes('"event":"authentication_failed"'), 'the event');
  });

  test.each([
    ['two tokens', () => `logout_token=a&logout_token=${provider.sign(claims())}`],
    ['no token', () => 'token=a'],
    ['too much', () => `logout_token=${provider.sign(claims())}&x=${'x'.repeat(70_000)}`],
  ])('a request with %s ends nothing', async (_, body) => {
    const browser = await logIn('alice');
    expect(await post('', one, body())).toBe(400);
    expect(await status(browser)).toBe(200);
  });

  test('a browser, or a request by GET, ends nothing', async () => {
    expect((await new Browser().get(`${one.origin}${PATH}?logout_token=${provider.sign(claims())}`)).status).toBe(400);
  });

  test('while Redis is away the provider is told to come again, and the same token works then', async () => {
    const token = provider.sign(claims());
    await redis.kill();
    expect(await post(token)).toBe(503);
    await redis.restart();
    let answer = 503;
    while (answer === 503) answer = await post(token);
    expect(answer).toBe(200);
  });
});
