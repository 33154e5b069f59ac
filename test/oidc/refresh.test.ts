// Sessions whose tokens are old: refreshed once, kept while the provider is away, and large ones.
import { afterEach, expect, test } from '@jest/globals';
import { freePorts } from '../support/free-port.ts';
import { Browser } from './browser.ts';
import { OidcWeir } from './oidc-weir.ts';
import { TestProvider, type ProviderOptions } from './provider.ts';

let weir: OidcWeir;
let provider: TestProvider;

async function start(more: string, options: ProviderOptions): Promise<void> {
  const [port = 0, backendPort = 0] = await freePorts(2);
  weir = new OidcWeir(port, backendPort);
  provider = await TestProvider.start([`${weir.origin}/oauth2/callback`], [], options);
  await weir.start(provider.issuer, more);
}

async function logIn(): Promise<Browser> {
  const browser = new Browser();
  await browser.get(await browser.logIn(weir.origin, 'alice', (url) => url.startsWith(`${weir.origin}/oauth2/callback`)));
  return browser;
}

afterEach(async () => {
  await weir.close();
  await provider.stop();
});

test('tokens are refreshed once for all requests, and the browser gets the new session', async () => {
  await start('forwardAccessToken: true', { accessTokenSeconds: 1 });
  const browser = await logIn();
  const before = new Map(browser.jar(weir.origin));
  while (provider.count('/token') < 2) await browser.get(weir.origin);
  expect([...browser.jar(weir.origin)]).not.toEqual([...before]);
  expect(weir.seen.at(-1)?.headers.authorization).toMatch(/^Bearer [\w.-]+$/);
  const [earlier, ...tokens] = new Set(weir.seen.map(({ headers }) => headers.authorization));
  expect(tokens).not.toContain(earlier);
  // Late requests with the former cookie, all at once.
  const count = provider.count('/token');
  const late = Array.from({ length: 10 }, () => {
    const tab = new Browser();
    for (const [name, value] of before) tab.jar(weir.origin).set(name, value);
    return tab.get(weir.origin);
  });
  expect((await Promise.all(late)).map(({ status }) => status)).toEqual(late.map(() => 200));
  expect(provider.count('/token')).toBe(count);
});

test('a session goes on while the provider is away, and a new login gets 503', async () => {
  await start('', { accessTokenSeconds: 1 });
  const browser = await logIn();
  await provider.stop();
  const end = Date.now() + 1_500;
  while (Date.now() < end) expect((await browser.get(weir.origin)).status).toBe(200);
  await new Browser().get(weir.origin);
  expect((await new Browser().get(`${weir.origin}/oauth2/callback?state=a&code=b`)).status).toBe(401);
  provider = await TestProvider.start([], []);
});

test('a session ends at its end', async () => {
  await start('sessionDuration: 1s', {});
  const browser = await logIn();
  const cookies = [...browser.jar(weir.origin)];
  while ((await browser.get(weir.origin)).status === 200) for (const [name, value] of cookies) browser.jar(weir.origin).set(name, value);
});

test.each([
  ['in several cookies', 6_000, 302],
  ['refused if cookies cannot hold it', 20_000, 503],
])('a large session is %s', async (_, size, status) => {
  await start('', { more: { note: 'x'.repeat(size) } });
  const browser = new Browser();
  const url = await browser.logIn(weir.origin, 'alice', (next) => next.startsWith(`${weir.origin}/oauth2/callback`));
  const page = await browser.get(url);
  expect(page.status).toBe(status);
  for (const cookie of page.headers['set-cookie'] ?? []) expect(cookie.length).toBeLessThan(4_096);
  if (status === 302) {
    expect((await browser.get(weir.origin)).text).toBe('<h1>hello alice</h1>');
    const [first = ''] = [...browser.jar(weir.origin).keys()].filter((name) => name.endsWith('.1'));
    browser.jar(weir.origin).delete(first);
    expect((await browser.get(weir.origin)).status).toBe(302);
  }
});
