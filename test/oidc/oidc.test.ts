// Logins as browsers and attackers see them: `weir up` with a real provider.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { Browser, NAVIGATION, type Page } from './browser.ts';
import { KEY, OidcWeir } from './oidc-weir.ts';
import { TestProvider } from './provider.ts';

let weir: OidcWeir;
let provider: TestProvider;
let browser: Browser;

const isCallback = (url: string): boolean => url.startsWith(`${weir.origin}/oauth2/callback`);

/** The URL that the provider sends the browser back to. */
function toCallback(own = browser, start = '/shop?a=1'): Promise<string> {
  return own.logIn(weir.origin + start, 'alice', isCallback);
}

async function loggedIn(): Promise<Browser> {
  const own = new Browser();
  expect((await own.get(await toCallback(own))).status).toBe(302);
  return own;
}

function session(own: Browser): [string, string] {
  const found = [...own.jar(weir.origin)].find(([name]) => /^weir-[0-9a-f]{8}$/.test(name));
  if (found === undefined) throw new Error('no session');
  return found;
}

beforeAll(async () => {
  const [port = 0, backendPort = 0] = await freePorts(2);
  weir = new OidcWeir(port, backendPort);
  provider = await TestProvider.start([`${weir.origin}/oauth2/callback`], [`${weir.origin}/bye`]);
  await weir.start(provider.issuer, 'postLogoutURL: /bye', ['--workers', '2']);
});

afterAll(async () => {
  await weir.close();
  await provider.stop();
});

beforeEach(() => {
  browser = new Browser();
  weir.seen.length = 0;
  provider.tokenFault = null;
});

describe('a login', () => {
  test('leads to the page that was asked for, and tells the backend about the user, but not the cookies', async () => {
    const back = await browser.get(await toCallback());
    expect([back.status, back.headers.location]).toEqual([302, `${weir.origin}/shop?a=1`]);
    browser.jar(weir.origin).set('own', '1');
    expect((await browser.get(`${weir.origin}/shop?a=1`)).text).toBe('<h1>hello alice</h1>');
    expect(weir.seen[0]?.headers).toMatchObject({ 'x-user': 'alice', 'x-groups': 'staff,ops', cookie: 'own=1' });
    expect(weir.seen[0]?.headers).not.toHaveProperty('authorization');
  });

  test('asks the provider with PKCE, a state and a nonce, which are new each time', async () => {
    const urls = [await browser.get(weir.origin), await browser.get(weir.origin)].map((page) => new URL(page.headers.location ?? ''));
    const [first, second] = urls.map(({ searchParams }) => Object.fromEntries(searchParams));
    expect(first).toMatchObject({ response_type: 'code', code_challenge_method: 'S256', redirect_uri: `${weir.origin}/oauth2/callback` });
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(first?.[name]).toMatch(/^[\w-]{43}$/);
      expect(first?.[name]).not.toBe(second?.[name]);
    }
  });

  test('keeps its cookies from scripts and from requests of other sites', async () => {
    const page = await browser.get(await toCallback());
    for (const cookie of page.headers['set-cookie'] ?? []) expect(cookie).toMatch(/; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    expect(page.headers['cache-control']).toBe('no-store');
  });
});

describe('a request without a session gets 401 and no redirect', () => {
  const { accept } = NAVIGATION;
  test.each([
    ['from fetch', 'GET', { ...NAVIGATION, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
    ['from XMLHttpRequest', 'GET', { accept, 'x-requested-with': 'XMLHttpRequest' }],
    ['that accepts JSON', 'GET', { accept: 'application/json' }],
    ['that accepts anything', 'GET', { accept: '*/*' }],
    ['in a frame', 'GET', { ...NAVIGATION, 'sec-fetch-dest': 'iframe' }],
    ['that posts a form', 'POST', NAVIGATION],
  ])('%s', async (_, method, headers) => {
    const page = await browser.get(weir.origin, { method, headers });
    expect([page.status, page.headers.location, page.headers['set-cookie']]).toEqual([401, undefined, undefined]);
    expect(weir.seen).toEqual([]);
  });
});

describe('no login leads to another host:', () => {
  test.each(['//evil.example/a', '/\\evil.example', '/%5cevil.example', '/%2f%2fevil.example', '/a?b=%0d%0aLocation:%20//evil.example'])(
    '%s',
    async (target) => {
      const url = await toCallback(browser, target).catch(() => '');
      const location = url === '' ? weir.origin : ((await browser.get(url)).headers.location ?? '');
      expect(new URL(location).origin).toBe(weir.origin);
      expect(location).not.toMatch(/[\r\n\\]/);
    },
  );
});

async function expectRefused(page: Promise<Page> | Page, own = browser): Promise<void> {
  const { status, headers } = await page;
  expect([status, headers.location]).toEqual([401, undefined]);
  expect([...own.jar(weir.origin).keys()].filter((name) => !name.includes('login'))).toEqual([]);
}

describe('an answer of the provider is refused', () => {
  /** The callback with changed parameters. */
  async function changed(change: (url: URL) => void): Promise<Page> {
    const url = new URL(await toCallback());
    change(url);
    return browser.get(url.href);
  }

  test('in a browser that began no login (CSRF on login)', async () => {
    const victim = new Browser();
    await expectRefused(victim.get(await toCallback()), victim);
  });

  test('with the state of another login of the attacker', async () => {
    const attacker = new Browser();
    const stolen = new URL(await toCallback(attacker));
    await expectRefused(changed((url) => url.searchParams.set('state', stolen.searchParams.get('state') ?? '')));
  });

  test('with the code of another browser (code injection)', async () => {
    const code = new URL(await toCallback(new Browser())).searchParams.get('code') ?? '';
    await expectRefused(changed((url) => url.searchParams.set('code', code)));
  });

  test.each([
    ['without a state', (url: URL) => url.searchParams.delete('state')],
    ['with a wrong state', (url: URL) => url.searchParams.set('state', 'x')],
    ['with two states', (url: URL) => url.searchParams.append('state', 'x')],
    ['with two codes', (url: URL) => url.searchParams.append('code', 'x')],
    ['without a code', (url: URL) => url.searchParams.delete('code')],
    ['with an error', (url: URL) => url.searchParams.set('error', 'access_denied')],
    ['of another issuer (mix-up)', (url: URL) => url.searchParams.set('iss', 'https://evil.example')],
    ['without its issuer, though the provider names it', (url: URL) => url.searchParams.delete('iss')],
  ])('%s', async (_, change) => {
    await expectRefused(changed(change));
  });

  test('a second time', async () => {
    const url = await toCallback();
    const cookies = [...browser.jar(weir.origin)];
    expect((await browser.get(url)).status).toBe(302);
    const replay = new Browser();
    await expectRefused(replay.get(url), replay);
    for (const [name, value] of cookies) replay.jar(weir.origin).set(name, value);
    await expectRefused(replay.get(url), replay);
  });
});

test.each([
  [401, { status: 400, body: '{"error":"invalid_grant"}' }],
  [503, { status: 400, body: '{"error":"invalid_client"}' }],
  [503, { status: 500, body: 'oops' }],
  [503, { status: 200, body: 'no json' }],
  [401, { status: 200, body: '{"access_token":"a","token_type":"bearer"}' }],
  [401, { status: 200, body: '{"access_token":"a","id_token":"eyJhbGciOiJub25lIn0.e30."}' }],
])('a login gets %d if the token endpoint answers %j', async (status, fault) => {
  const url = await toCallback();
  provider.tokenFault = fault;
  expect((await browser.get(url)).status).toBe(status);
});

describe('a session', () => {
  test('is another one after each login (fixation)', async () => {
    const attacker = await loggedIn();
    const [name, fixed] = session(attacker);
    browser.jar(weir.origin).set(name, `${fixed.slice(0, -4)}AAAA`);
    expect((await browser.get(await toCallback())).status).toBe(302);
    expect(session(browser)[1]).not.toBe(fixed);
  });

  test.each([
    ['tampered', (value: string) => `${value.slice(0, 50)}${value[50] === 'A' ? 'B' : 'A'}${value.slice(51)}`],
    ['truncated', (value: string) => value.slice(0, -1)],
    ['empty', () => ''],
    ['claimed to be longer', (value: string) => `9${value.slice(1)}`],
    ['of another form', () => 'eyJhbGciOiJub25lIn0.e30.'],
  ])('is none if its cookie is %s', async (_, change) => {
    const own = await loggedIn();
    const [name, value] = session(own);
    own.jar(weir.origin).set(name, change(value));
    expect((await own.get(weir.origin, { headers: { accept: '*/*' } })).status).toBe(401);
  });

  test('is not the cookie of a login', async () => {
    await browser.get(weir.origin);
    const [[, login] = ['', '']] = [...browser.jar(weir.origin)];
    const own = await loggedIn();
    own.jar(weir.origin).set(session(own)[0], `1.${login}`);
    expect((await own.get(weir.origin, { headers: { accept: '*/*' } })).status).toBe(401);
  });

  test('outlives a rotation of the keys, until its key is gone', async () => {
    const own = await loggedIn();
    const status = async (by: Browser): Promise<number> => (await by.get(weir.origin, { headers: { accept: '*/*' } })).status;
    weir.setKeys('second-key-0123456789-0123456789-012', KEY);
    let later = await loggedIn();
    expect(await status(own)).toBe(200);
    weir.setKeys('second-key-0123456789-0123456789-012');
    while ((await status(own)) !== 401);
    // The new key seals as soon as it is known.
    while ((await status(later)) !== 200) later = await loggedIn();
    weir.setKeys('short');
    while ((await status(later)) !== 503);
    weir.setKeys(KEY);
    while ((await status(own)) !== 200);
  });
});

describe('a logout', () => {
  test('ends the session here and at the provider', async () => {
    const own = await loggedIn();
    const page = await own.get(`${weir.origin}/oauth2/logout`, { headers: { ...NAVIGATION, 'sec-fetch-site': 'same-origin' } });
    const url = new URL(page.headers.location ?? '');
    expect([page.status, url.origin, url.pathname]).toEqual([302, provider.issuer, '/session/end']);
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${weir.origin}/bye`);
    expect(url.searchParams.get('id_token_hint')).toMatch(/^ey/);
    expect([...own.jar(weir.origin).keys()]).toEqual([]);
  });

  test('ends the WebSockets and streams of events of the session in all workers', async () => {
    const [own, another] = [await loggedIn(), await loggedIn()];
    const open = await Promise.all(Array.from({ length: 4 }, () => weir.openAll(session(own).join('='))));
    const kept = await weir.openAll(session(another).join('='));
    await own.get(`${weir.origin}/oauth2/logout`, { headers: { ...NAVIGATION, 'sec-fetch-site': 'same-origin' } });
    await until(() => open.every(({ code, streams }) => code() === 1_008 && !streams()), 'the ends of the connections');
    expect([kept.code(), kept.streams()]).toEqual([0, true]);
  });

  test.each([
    ['another site', { ...NAVIGATION, 'sec-fetch-site': 'cross-site' }],
    ['a neighbour', { ...NAVIGATION, 'sec-fetch-site': 'same-site' }],
    ['another site, without fetch metadata', { ...NAVIGATION, referer: 'https://evil.example/' }],
    ['a host with the same beginning', { ...NAVIGATION, referer: 'http://127.0.0.1.evil.example/' }],
  ])('is refused to %s', async (_, headers) => {
    const own = await loggedIn();
    expect((await own.get(`${weir.origin}/oauth2/logout`, { headers })).status).toBe(403);
    expect((await own.get(weir.origin)).status).toBe(200);
  });
});
