// Sessions in a real Redis that two proxies share: what the browser and Redis have, how sessions end, and what happens while Redis is away.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { describeWith } from '../support/describe-with.ts';
import { freePorts } from '../support/free-port.ts';
import type { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { Browser } from './browser.ts';
import { OidcWeir } from './oidc-weir.ts';
import { TestProvider } from './provider.ts';
import { callbackOf, logIn as logInAt, startSharedSessions } from './shared-sessions.ts';

const SCRIPT = { headers: { accept: '*/*' } };
const NAME = /^[\w-]{43}$/;

describeWith(['redis'], 'sessions in Redis', () => {
  let redis: RedisServer;
  let provider: TestProvider;
  let one: OidcWeir;
  let other: OidcWeir;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    ({ redis, provider, one, other, stop } = await startSharedSessions({ settings: 'sessionStore: Redis' }));
  });

  afterAll(() => stop());

  beforeEach(async () => void (await redis.command('FLUSHALL')));

  const cookieOf = (browser: Browser): [string, string] => {
    const found = [...browser.jar(one.origin)].find(([name]) => /^weir-[0-9a-f]{8}$/.test(name));
    if (found === undefined) throw new Error('no session');
    return found;
  };

  const logIn = (browser = new Browser()): Promise<Browser> => logInAt(one, 'alice', browser);

  /** The status of a request of a script with this cookie. */
  async function status([name, value]: [string, string], weir = one): Promise<number> {
    const browser = new Browser();
    browser.jar(weir.origin).set(name, value);
    return (await browser.get(weir.origin, SCRIPT)).status;
  }

  const sessionKeys = async (): Promise<string[]> => (await redis.command('KEYS', '*:session:*')) as string[];

  test('the browser has a random name, and Redis neither that nor anything that can be read', async () => {
    const browser = await logIn();
    const [, value] = cookieOf(browser);
    expect(value).toMatch(NAME);
    const [key = '', ...others] = await sessionKeys();
    expect(others).toEqual([]);
    const entry = String(await redis.command('GET', key));
    for (const secret of [value, 'alice', 'staff']) {
      expect(key).not.toContain(secret);
      expect(entry).not.toContain(secret);
      expect(Buffer.from(entry, 'base64url').toString('latin1')).not.toContain(secret);
    }
    expect((await browser.get(one.origin)).text).toBe('<h1>hello alice</h1>');
    expect(one.seen.at(-1)?.headers).not.toHaveProperty('cookie');
  });

  test('another proxy knows the session', async () => {
    expect(await status(cookieOf(await logIn()), other)).toBe(200);
  });

  test('a login has another name each time, and ends the session before it (fixation)', async () => {
    const attacker = await logIn();
    const planted = cookieOf(attacker);
    const victim = new Browser();
    const callback = await callbackOf(one, 'bob', victim);
    victim.jar(one.origin).set(...planted);
    expect((await victim.get(callback)).status).toBe(302);
    expect(cookieOf(victim)[1]).not.toBe(planted[1]);
    expect((await victim.get(one.origin)).text).toBe('<h1>hello bob</h1>');
    expect(await status(planted)).toBe(401);
    expect(await sessionKeys()).toHaveLength(1);
  });

  test('a name that no login has given is none, also if a session of this name is sealed for another', async () => {
    const [name] = cookieOf(await logIn());
    for (const value of ['A'.repeat(43), '', '*', 'A'.repeat(4_000)]) expect(await status([name, value])).toBe(401);
    const [key = ''] = await sessionKeys();
    const bob = cookieOf(await logIn());
    const [ofBob = ''] = (await sessionKeys()).filter((each) => each !== key);
    await redis.command('COPY', key, ofBob, 'REPLACE');
    expect(await status(bob)).toBe(401);
  });

  test('a logout ends copies of the cookie too, at all proxies', async () => {
    const browser = await logIn();
    const stolen = cookieOf(browser);
    const page = await browser.get(`${one.origin}/oauth2/logout`, { headers: { accept: 'text/html', 'sec-fetch-site': 'same-origin' } });
    expect([page.status, new URL(page.headers.location ?? '').origin]).toEqual([302, provider.issuer]);
    expect([await status(stolen), await status(stolen, other)]).toEqual([401, 401]);
    expect(await sessionKeys()).toEqual([]);
  });

  test('a logout ends the WebSockets and streams of events of the session at all proxies, and no others', async () => {
    const [browser, bystander] = [await logIn(), await logIn()];
    const cookie = cookieOf(browser).join('=');
    const [here, there] = [await one.openAll(cookie), await other.openAll(cookie)];
    const kept = await other.openAll(cookieOf(bystander).join('='));
    await browser.get(`${one.origin}/oauth2/logout`, { headers: { 'sec-fetch-site': 'same-origin' } });
    await until(() => [here, there].every(({ code, streams }) => code() === 1_008 && !streams()), 'the ends of the connections');
    expect([kept.code(), kept.streams()]).toEqual([0, true]);
  });

  test('a logout while the news of Redis do not arrive ends the connections later', async () => {
    const browser = await logIn();
    const there = await other.openAll(cookieOf(browser).join('='));
    const [entry = ''] = await sessionKeys();
    // As if the news were sent while there was no connection.
    await redis.command('DEL', entry);
    expect(there.code()).toBe(0);
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(() => there.code() === 1_008 && !there.streams(), 'the ends of the connections');
  });

  describe('ends', () => {
    const isInUse = async (): Promise<boolean> => {
      await logIn();
      const [key = ''] = await sessionKeys();
      const time = Number(await redis.command('TTL', key));
      await redis.command('FLUSHALL');
      return time > 0 && time <= 7_200;
    };

    test('without requests for the idle time, which each request begins anew', async () => {
      one.setPolicy(provider.issuer, 'sessionStore: Redis\n      sessionIdleTimeout: 1h');
      while (!(await isInUse()));
      const cookie = cookieOf(await logIn());
      const [key = ''] = await sessionKeys();
      expect(await redis.command('TTL', key)).toBeLessThanOrEqual(3_600);
      await redis.command('EXPIRE', key, '600');
      expect(await status(cookie)).toBe(200);
      expect(await redis.command('TTL', key)).toBeGreaterThan(600);
      await redis.command('DEL', key);
      expect(await status(cookie)).toBe(401);
    });

    test('at its end, however much it is used', async () => {
      one.setPolicy(provider.issuer, 'sessionStore: Redis\n      sessionDuration: 2s\n      sessionIdleTimeout: 1h');
      let cookie = cookieOf(await logIn());
      while (Number(await redis.command('TTL', (await sessionKeys())[0] ?? '')) > 2) {
        await redis.command('FLUSHALL');
        cookie = cookieOf(await logIn());
      }
      while ((await status(cookie)) === 200);
      expect(await status(cookie)).toBe(401);
      one.setPolicy(provider.issuer, 'sessionStore: Redis');
    });
  });

  test('one proxy of all refreshes the tokens', async () => {
    const quick = await TestProvider.start([`${one.origin}/oauth2/callback`], [], { accessTokenSeconds: 1 });
    for (const weir of [one, other]) weir.setPolicy(quick.issuer, 'sessionStore: Redis');
    const browser = new Browser();
    while (!((await browser.get(one.origin)).headers.location ?? '').startsWith(quick.issuer));
    const cookie = cookieOf(await logIn(browser));
    while ((await new Browser().get(other.origin)).headers.location?.startsWith(quick.issuer) !== true);
    // A refresh token that is used twice ends the whole grant at this provider.
    while (quick.count('/token') < 5) {
      const statuses = await Promise.all([one, other, one, other].map((weir) => status(cookie, weir)));
      expect(statuses).toEqual([200, 200, 200, 200]);
    }
    for (const weir of [one, other]) weir.setPolicy(provider.issuer, 'sessionStore: Redis');
    while (!((await new Browser().get(one.origin)).headers.location ?? '').startsWith(provider.issuer));
    await quick.stop();
  });

  test('while Redis is away, requests with sessions and logins get 503, and nothing reaches the backend', async () => {
    const browser = await logIn();
    const cookie = cookieOf(browser);
    const late = new Browser();
    const callback = await callbackOf(one, 'alice', late);
    one.seen.length = 0;
    redis.freeze();
    const refused = await browser.get(one.origin);
    expect([refused.status, refused.headers.location]).toEqual([503, undefined]);
    await redis.kill();
    expect(await status(cookie)).toBe(503);
    expect((await late.get(callback)).status).toBe(503);
    expect((await browser.get(`${one.origin}/oauth2/logout`, { headers: { 'sec-fetch-site': 'same-origin' } })).status).toBe(503);
    expect(await status([cookie[0], ''])).toBe(401);
    expect(one.seen).toEqual([]);
    await redis.restart();
    while ((await status(cookie)) === 503);
    // The new Redis has no sessions.
    expect(await status(cookie)).toBe(401);
    expect(await status(cookieOf(await logIn()))).toBe(200);
  });
});

test('without a Redis of the proxy, no request with a session and no login passes', async () => {
  const [port = 0, backendPort = 0] = await freePorts(2);
  const weir = new OidcWeir(port, backendPort);
  const provider = await TestProvider.start([`${weir.origin}/oauth2/callback`], []);
  await weir.start(provider.issuer, 'sessionStore: Redis', ['--security-log', 'stdout']);
  const browser = new Browser();
  const url = await callbackOf(weir, 'alice', browser);
  expect((await browser.get(url)).status).toBe(503);
  expect(weir.seen).toEqual([]);
  await until(
    () => /"authentication_unavailable","reason":"the sessions are not available: the proxy has no Redis/.test(weir.output),
    'the event',
  );
  await weir.close();
  await provider.stop();
});
