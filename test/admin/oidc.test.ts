// Logins of people at a real provider, as browsers and attackers see them: `weir admin` with all its parts.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import { nowSeconds } from '#lib/openid/values.ts';
import { readConfig } from '../../admin/config.ts';
import { AdminProgram } from '../../admin/main.ts';
import { findLogin, newLogin } from '../../admin/oidc/login-state.ts';
import { Provider } from '../../admin/oidc/provider.ts';
import { Browser } from '../oidc/browser.ts';
import { TestProvider, type ProviderFault } from '../oidc/provider.ts';
import { freePorts } from '../support/free-port.ts';

const lines: string[] = [];
const LOG = createLog('info', { write: (line: string) => void lines.push(line) });
const CLIENT_SECRET = 'a secret: 100% of it';

let folder: string;
let origin: string;
let provider: TestProvider;
let program: AdminProgram;
let admin: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-admin-oidc-'));
  const [port = 0] = await freePorts(1);
  origin = `http://127.0.0.1:${port}`;
  provider = await TestProvider.start([`${origin}/api/v1/login/oidc/callback`], [`${origin}/`]);
  const secret = path.join(folder, 'secret');
  writeFileSync(secret, `${CLIENT_SECRET}\n`);
  const config = readConfig(
    [
      ...['--admin-api-address', `127.0.0.1:${port}`, '--metrics-address', '127.0.0.1:0', '--admin-store', path.join(folder, 'a.sqlite')],
      ...['--admin-api-url', origin, '--admin-oidc-issuer', provider.issuer, '--admin-oidc-client-id', 'shop'],
      ...['--admin-oidc-client-secret-file', secret, '--admin-oidc-scopes', 'openid'],
    ],
    {},
  );
  if (!config.ok) throw new Error(config.error);
  const first = Promise.withResolvers<string>();
  program = new AdminProgram(config.value, LOG, (_, password) => first.resolve(password));
  const started = await program.start();
  if (!started.ok) throw new Error(started.error);
  admin = await adminHeaders(await first.promise);
  await ask('POST', '/bindings', { subjectKind: 'group', subject: 'ops', role: 'viewer' });
});

afterAll(async () => {
  await program?.stop();
  await provider?.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => {
  provider.tokenFault = null;
});

async function adminHeaders(password: string): Promise<Readonly<Record<string, string>>> {
  const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'weir-csrf-token': '', cookie: '' };
  const body = JSON.stringify({ user: 'admin', password });
  const login = await fetch(`${origin}/api/v1/login`, { method: 'POST', headers, body });
  const { csrfToken } = (await login.json()) as { readonly csrfToken: string };
  return { ...headers, cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '', 'weir-csrf-token': csrfToken };
}

/** Calls as the administrator. */
async function ask(method: string, url: string, body?: unknown, more: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const init = { method, headers: { ...admin, ...more }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`${origin}/api/v1${url}`, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

const isCallback = (url: string): boolean => url.startsWith(`${origin}/api/v1/login/oidc/callback`);

/** The URL to which the provider sends a browser back after the login of a person. */
function toCallback(browser: Browser, person = 'alice', start = ''): Promise<string> {
  return browser.logIn(`${origin}/api/v1/login/oidc${start}`, person, isCallback);
}

async function loggedIn(person = 'alice'): Promise<Browser> {
  const browser = new Browser();
  const page = await browser.get(await toCallback(browser, person));
  expect([page.status, page.headers.location]).toEqual([302, `${origin}/api/v1/docs`]);
  return browser;
}

async function read(browser: Browser, url: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse((await browser.get(`${origin}/api/v1${url}`)).text) as Record<string, unknown>;
}

/** The status and code of the answer to a callback. */
async function refusal(browser: Browser, url: string): Promise<string> {
  const { status, text } = await browser.get(url);
  return status === 302 ? '302' : `${status} ${(JSON.parse(text) as { readonly code: string }).code}`;
}

describe('a login', () => {
  test('begins a session of a new user, with the rights of the groups', async () => {
    const browser = await loggedIn();
    expect(await read(browser, '/me')).toMatchObject({ kind: 'user', name: 'oidc.alice' });
    expect((await read(browser, '/me'))['everywhere']).toContain('traffic:read');
    expect(await read(browser, '/me/sessions')).toMatchObject({ items: [{ method: 'oidc', user: 'oidc.alice' }] });
    expect(await ask('GET', '/users/oidc.alice')).toMatchObject({
      user: { source: 'oidc', hasPassword: false, groups: ['staff', 'ops'] },
    });
    expect(await ask('GET', '/audit/entries?operation=oidc.finish&limit=1')).toMatchObject({ items: [{ outcome: 'success' }] });
  });

  test('lets a page of this server make changes, after it has read the token', async () => {
    const browser = await loggedIn();
    const { csrfToken } = (await read(browser, '/me/csrf-token')) as { readonly csrfToken: string };
    const cookie = [...browser.jar(origin)].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, 'sec-fetch-site': 'same-origin', 'weir-csrf-token': csrfToken };
    const answer = await fetch(`${origin}/api/v1/logout/oidc`, { method: 'POST', headers });
    const { url } = (await answer.json()) as { readonly url: string };
    expect(url.startsWith(`${provider.issuer}/session/end?`)).toBe(true);
    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
      ...{ client_id: 'shop', post_logout_redirect_uri: `${origin}/`, id_token_hint: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) },
    });
    expect((await browser.get(url)).status).toBe(200);
    expect(await read(browser, '/me')).toMatchObject({ status: 401 });
  });

  test('asks with PKCE, a state and a nonce, which are new each time, and keeps its cookies from scripts', async () => {
    const browser = new Browser();
    const pages = [await browser.get(`${origin}/api/v1/login/oidc`), await browser.get(`${origin}/api/v1/login/oidc`)];
    const [first, second] = pages.map(({ headers }) => Object.fromEntries(new URL(headers.location ?? '').searchParams));
    expect(first).toMatchObject({ response_type: 'code', code_challenge_method: 'S256', scope: 'openid', client_id: 'shop' });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(first?.[name]).not.toBe(second?.[name]);
    expect(pages[0]?.headers['set-cookie']?.[0]).toMatch(/^weir-login=[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
    expect(browser.jar(origin).get('weir-login')).not.toBe(first?.['state']);
  });

  test('leads back to the path that was asked for, and never to another server', async () => {
    const browser = new Browser();
    const back = await browser.get(await toCallback(browser, 'alice', '?returnTo=/api/v1/docs%3Fa=1'));
    expect(back.headers.location).toBe(`${origin}/api/v1/docs?a=1`);
    for (const path of ['//evil.example', '/\\evil.example', 'https://evil.example', '/%0d%0aSet-Cookie:a', '/a b', '', '/é']) {
      const { text, headers } = await browser.get(`${origin}/api/v1/login/oidc?returnTo=${path}`);
      if (path.includes('%')) continue;
      expect([path, text.includes('return-path'), headers.location]).toEqual([path, true, undefined]);
    }
  });

  test('never takes over a session that was there before', async () => {
    const browser = new Browser();
    const planted = (admin['cookie'] as string).slice('weir-session='.length);
    const url = await toCallback(browser);
    browser.jar(origin).set('weir-session', 'planted-by-an-attacker');
    await browser.get(url);
    const own = browser.jar(origin).get('weir-session');
    expect(own).toMatch(/^[\w-]{43}$/);
    expect([own === planted, own === 'planted-by-an-attacker']).toEqual([false, false]);
  });
});

describe('an identity', () => {
  test('is that of issuer and subject: a known name gives nothing', async () => {
    const local = await ask('POST', '/users', { name: 'bob' });
    expect(local).toBeDefined();
    await loggedIn('bob');
    const users = (await ask('GET', '/users')) as { readonly items: readonly { readonly name: string; readonly source: string }[] };
    expect(users.items.filter(({ name }) => name.includes('bob')).map(({ name, source }) => [name, source])).toEqual([
      ['bob', 'local'],
      ['oidc.bob', 'oidc'],
    ]);
    // Another subject with the same name is another user.
    const other = new Browser();
    const url = await toCallback(other);
    answerWith(provider.sign({ ...claimsFor(other, url), sub: 'not-bob', preferred_username: 'bob' }));
    expect(await refusal(other, url)).toBe('302');
    expect((await read(other, '/me'))['name']).toMatch(/^oidc\.bob-[0-9a-f]{16}$/);
  });

  test('of a user that is disabled is refused', async () => {
    await loggedIn('carol');
    await ask('PATCH', '/users/oidc.carol', { disabled: true }, { 'if-match': '*' });
    const browser = new Browser();
    expect(await refusal(browser, await toCallback(browser, 'carol'))).toBe('403 user-disabled');
    expect(browser.jar(origin).get('weir-session')).toBeUndefined();
  });
});

/** The claims of a valid ID token for the login of a browser. */
function claimsFor(browser: Browser, callback: string): Readonly<Record<string, unknown>> {
  const state = new URL(callback).searchParams.get('state') ?? '';
  const nonce = findLogin(browser.jar(origin).get('weir-login') ?? '', state)?.nonce;
  return { iss: provider.issuer, aud: 'shop', sub: 'mallory', nonce, iat: nowSeconds(), exp: nowSeconds() + 60 };
}

/** The provider redeems each code for this token. */
function answerWith(idToken: string): void {
  provider.tokenFault = { status: 200, body: JSON.stringify({ access_token: 'a', token_type: 'Bearer', id_token: idToken }) };
}

describe('an attacker', () => {
  test('cannot log a browser in as somebody else, nor use an answer again', async () => {
    const attacker = new Browser();
    const url = await toCallback(attacker, 'mallory');
    const victim = new Browser();
    expect(await refusal(victim, url)).toBe('403 oidc-state');
    await victim.get(`${origin}/api/v1/login/oidc`);
    expect(await refusal(victim, url)).toBe('403 oidc-state');
    expect(await refusal(attacker, url)).toBe('302');
    expect(await refusal(attacker, url)).toBe('403 oidc-state');
  });

  test('cannot bring the code of another login: PKCE binds it to its browser', async () => {
    const stolen = new URL(await toCallback(new Browser())).searchParams.get('code') ?? '';
    const browser = new Browser();
    const url = new URL(await toCallback(browser, 'mallory'));
    url.searchParams.set('code', stolen);
    expect(await refusal(browser, url.href)).toBe('403 oidc-refused');
    expect(browser.jar(origin).get('weir-session')).toBeUndefined();
  });

  test('cannot change a state, nor use an old one', async () => {
    const browser = new Browser();
    const url = new URL(await toCallback(browser));
    const secret = browser.jar(origin).get('weir-login') ?? '';
    const states = ['x', '.', `${url.searchParams.get('state') ?? ''}x`, newLogin(secret, '/', nowSeconds() - 601).state];
    for (const state of [...states, newLogin(secret, '//evil.example').state]) {
      url.searchParams.set('state', state);
      expect([state, await refusal(browser, url.href)]).toEqual([state, '403 oidc-state']);
    }
  });

  test('cannot answer in place of the provider', async () => {
    const browser = new Browser();
    const url = new URL(await toCallback(browser));
    url.searchParams.set('iss', 'https://evil.example');
    expect(await refusal(browser, url.href)).toBe('403 oidc-refused');
    url.searchParams.delete('iss');
    expect(await refusal(browser, url.href)).toBe('403 oidc-refused');
  });

  test.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['of another login', { nonce: 'other' }, {}],
    ['without a nonce', { nonce: undefined }, {}],
    ['for another client', { aud: 'other' }, {}],
    ['for several clients', { aud: ['shop', 'other'] }, {}],
    ['of another issuer', { iss: 'https://evil.example' }, {}],
    ['that is expired', { exp: 1 }, {}],
    ['without a subject', { sub: '' }, {}],
    ['without a signature', {}, { alg: 'none' }],
    ['with a shared secret', {}, { alg: 'HS256' }],
    ['of an unknown key', {}, { kid: 'other' }],
    ['of another type', {}, { typ: 'at+jwt' }],
    ['with too many groups', { groups: Array.from({ length: 501 }, (_, i) => `group-${i}`) }, {}],
  ])('has no use for an ID token %s', async (_, claims, header) => {
    const browser = new Browser();
    const url = await toCallback(browser);
    answerWith(provider.sign({ ...claimsFor(browser, url), ...claims }, header));
    expect(await refusal(browser, url)).toBe('403 oidc-refused');
    expect(browser.jar(origin).get('weir-session')).toBeUndefined();
  });

  test('finds no code, token or secret in the log', async () => {
    const browser = new Browser();
    const url = await toCallback(browser);
    const token = provider.sign({ ...claimsFor(browser, url), nonce: 'other' });
    answerWith(token);
    await browser.get(url);
    const log = lines.join('');
    expect(log).toContain('a login at the provider is refused');
    const { searchParams } = new URL(url);
    for (const secret of [CLIENT_SECRET, token, searchParams.get('code') ?? '', searchParams.get('state') ?? ''])
      expect(log).not.toContain(secret);
  });
});

describe('a provider', () => {
  /** Why the metadata cannot be used, of a program that has just started. */
  async function problemWith(fault: Partial<ProviderFault>, issuer = provider.issuer): Promise<string> {
    provider.metadataFault = { status: 200, body: JSON.stringify(await provider.metadata()), ...fault };
    const settings = { ...{ clientId: 'shop', clientSecretFile: '', caFile: '', scopes: ['openid'] }, groupsClaim: 'groups', origin };
    try {
      const own = new Provider({ ...settings, issuer });
      const metadata = await own.metadata();
      const keys = metadata.ok ? await own.keys(false) : metadata;
      return keys.ok ? 'ok' : keys.error;
    } finally {
      provider.metadataFault = null;
    }
  }

  test('cannot lead the program to other servers by its metadata', async () => {
    const metadata = await provider.metadata();
    expect(await problemWith({})).toBe('ok');
    const redirect = { status: 302, body: '', headers: { location: `${provider.issuer}/jwks` } };
    expect(await problemWith(redirect)).toBe('answers with status 302 for its metadata');
    const body = (changes: Readonly<Record<string, unknown>>) => ({ body: JSON.stringify({ ...metadata, ...changes }) });
    expect(await problemWith(body({ issuer: 'https://evil.example' }))).toBe('names another issuer in its metadata');
    expect(await problemWith(body({ jwks_uri: 'file:///etc/passwd' }))).toBe('has metadata without the endpoints of a login');
    expect(await problemWith(body({ jwks_uri: 'http://169.254.169.254/latest' }))).toContain('metadata service of a cloud');
    expect(await problemWith(body({ jwks_uri: 'http://[::ffff:169.254.169.254]/latest' }))).toContain('metadata service of a cloud');
    expect(await problemWith(body({ more: 'x'.repeat(300_000) }))).toBe('sends more than 262144 bytes');
    expect(await problemWith({ body: '[]' })).toBe('names another issuer in its metadata');
    expect(await problemWith({}, 'http://127.0.0.1:1')).toContain('cannot be reached');
  });

  test('that refuses a person is named as the reason', async () => {
    const browser = new Browser();
    const url = new URL(await toCallback(browser));
    url.searchParams.set('error', 'access_denied');
    const page = await browser.get(url.href);
    expect(JSON.parse(page.text)).toMatchObject({
      status: 403,
      detail: 'the login is refused: the provider has refused the login (access_denied)',
    });
  });

  test('that is away stops new logins only', async () => {
    const browser = await loggedIn();
    const late = new Browser();
    const url = await toCallback(late);
    provider.tokenFault = { status: 500, body: '' };
    expect(await refusal(late, url)).toBe('503 oidc-away');
    expect(await read(browser, '/me')).toMatchObject({ name: 'oidc.alice' });
  });
});
