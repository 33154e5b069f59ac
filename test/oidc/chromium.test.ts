// A login in a real browser: Chromium decides which cookies it keeps and sends, which headers it adds, and where redirects lead.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { describeWith } from '../support/describe-with.ts';
import { freePorts } from '../support/free-port.ts';
import { OidcWeir } from './oidc-weir.ts';
import { TestProvider } from './provider.ts';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'];
const PATIENCE_MS = 60_000;

describeWith(['chromium'], 'a login in Chromium', () => {
  let weir: OidcWeir;
  let provider: TestProvider;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const [port = 0, backendPort = 0] = await freePorts(2);
    weir = new OidcWeir(port, backendPort);
    provider = await TestProvider.start([`${weir.origin}/oauth2/callback`], [`${weir.origin}/`]);
    await weir.start(provider.issuer);
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS, timeout: PATIENCE_MS });
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
  }, PATIENCE_MS * 3);

  afterAll(async () => {
    await browser?.close();
    await weir.close();
    await provider.stop();
  });

  const status = (): Promise<number> => page.evaluate("fetch('/data').then(({ status }) => status)");

  test('leads to the page that was asked for, and the session holds for scripts of the page', async () => {
    await page.goto(`${weir.origin}/shop?a=1`);
    await page.fill('input[name=login]', 'alice');
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
    await page.click('button[type=submit]');
    await page.waitForURL(`${weir.origin}/shop?a=1`);
    expect(await page.textContent('h1')).toBe('hello alice');
    expect(await status()).toBe(200);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  test('ends with its cookies: a script gets 401, and no redirect to another origin', async () => {
    await page.context().clearCookies();
    expect(await status()).toBe(401);
  });
});
