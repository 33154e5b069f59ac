// A login over TLS: cookies that only this host can set, a provider with a CA of its own, and further parameters of the question to it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { certified } from '../support/certified.ts';
import { freePorts } from '../support/free-port.ts';
import { Browser } from './browser.ts';
import { OidcWeir } from './oidc-weir.ts';
import { TestProvider } from './provider.ts';

const WITH_CA = 'ca: { secretRef: { name: authority }, key: ca.crt }';
const PARAMETERS = 'authorizationParameters: [{ name: login_hint, value: "a&state=b" }, { name: ui_locales, value: de }]';
const SCRIPT = { headers: { accept: '*/*' } };
const certificate = certified('DNS:localhost');
let weir: OidcWeir;
let provider: TestProvider;

const newBrowser = (): Browser => new Browser(readFileSync(certificate.files.ca, 'utf8'));

beforeAll(async () => {
  const [port = 0, backendPort = 0] = await freePorts(2);
  weir = new OidcWeir(port, backendPort, certificate.files);
  provider = await TestProvider.start([`${weir.origin}/oauth2/callback`], [], { certificate: certificate.files });
  await weir.start(provider.issuer, `${WITH_CA}\n      ${PARAMETERS}`);
});

afterAll(async () => {
  await weir.close();
  await provider.stop();
});

const toCallback = (browser: Browser): Promise<string> =>
  browser.logIn(weir.origin, 'alice', (url) => url.startsWith(`${weir.origin}/oauth2/callback`));

test('all cookies are bound to the host and to TLS', async () => {
  const browser = newBrowser();
  const start = await browser.get(weir.origin);
  const end = await browser.get(await toCallback(browser));
  const cookies = [...(start.headers['set-cookie'] ?? []), ...(end.headers['set-cookie'] ?? [])];
  expect(cookies.length).toBeGreaterThan(2);
  for (const cookie of cookies) expect(cookie).toMatch(/^__Host-weir-[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/);
  expect((await browser.get(weir.origin)).text).toBe('<h1>hello alice</h1>');
});

test('a session in a cookie without the prefix, which a page without TLS can set, is none', async () => {
  const browser = newBrowser();
  await browser.get(await toCallback(browser));
  const [[name, value] = ['', '']] = [...browser.jar(weir.origin)].filter(([each]) => /-[0-9a-f]{8}$/.test(each));
  const planted = newBrowser();
  planted.jar(weir.origin).set(name.replace('__Host-', ''), value);
  expect((await planted.get(weir.origin, SCRIPT)).status).toBe(401);
  planted.jar(weir.origin).set(name, value);
  expect((await planted.get(weir.origin, SCRIPT)).status).toBe(200);
});

test('the provider is asked with the further parameters, which change no other', async () => {
  const { searchParams } = new URL((await newBrowser().get(weir.origin)).headers.location ?? '');
  expect([searchParams.get('login_hint'), searchParams.get('ui_locales')]).toEqual(['a&state=b', 'de']);
  expect(searchParams.getAll('state')).toHaveLength(1);
  expect(searchParams.get('state')).toMatch(/^[\w-]{43}$/);
});

test('without its CA the provider is not believed, and no login begins', async () => {
  weir.setPolicy(provider.issuer, '');
  let page = await newBrowser().get(weir.origin);
  while (page.status === 302) page = await newBrowser().get(weir.origin);
  expect([page.status, page.headers.location]).toEqual([503, undefined]);
  weir.setPolicy(provider.issuer, WITH_CA);
  while (page.status !== 302) page = await newBrowser().get(weir.origin);
  expect(page.headers.location).toContain(provider.issuer);
});
