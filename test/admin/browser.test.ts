// The admin API over TLS, as a real browser sees it: its page under its policy, its cookies, and the rotation of its certificate.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFileSync } from 'node:fs';
import tls from 'node:tls';
import { chromium, type Browser, type Page } from 'playwright-core';
import { createLog } from '#lib/log.ts';
import { AdminApi } from '../../admin/api/server.ts';
import { SERVER_LIMITS } from '../../admin/api/limits.ts';
import { AdminMetrics } from '../../admin/api/metrics.ts';
import { EXAMPLE_CODE, EXAMPLE_PASSWORD } from '../../admin/identity/examples.ts';
import { makeTestAreas } from '../support/admin-areas.ts';
import { MemoryAuditor } from '../support/admin-server.ts';
import { TestCa, type IssuedFiles } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'];
const PATIENCE_MS = 60_000;
const { areas, authenticator, prepare, stop } = makeTestAreas();
const rate = { burst: 10_000, perSecond: 10_000 };

let ca: TestCa;
let used: IssuedFiles;
let api: AdminApi;
let url: string;
let port: number;

beforeAll(async () => {
  ca = await TestCa.create();
  used = await ca.issue('localhost', 'DNS:localhost');
  const { certificate, privateKey } = used;
  api = new AdminApi({
    ...{ address: { host: '127.0.0.1', port: 0 }, tls: { certificate, privateKey }, isSecure: true, trustedProxies: null },
    ...{ areas, authenticator, auditor: new MemoryAuditor(), addressRate: rate, callerRate: rate },
    ...{ limits: SERVER_LIMITS, metrics: new AdminMetrics(), log: createLog('silent') },
  });
  port = await api.start();
  url = `https://localhost:${port}`;
  await prepare('account');
});

afterAll(async () => {
  await api?.stop();
  await stop();
  await ca?.remove();
});

describeWith(['chromium'], 'in Chromium', () => {
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS, timeout: PATIENCE_MS });
    page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (line) => {
      // Chromium asks for an icon by itself.
      if (line.type() === 'error' && !line.location().url.endsWith('/favicon.ico')) faults.push(line.text());
    });
    page.on('pageerror', (error) => void faults.push(String(error)));
  }, PATIENCE_MS * 3);

  afterAll(() => browser?.close());

  test('the page shows all operations under its policy, and loads nothing from elsewhere', async () => {
    const requested: string[] = [];
    page.on('request', (request) => void requested.push(request.url()));
    await page.goto(`${url}/api/v1/docs`);
    await page.waitForSelector('#operations details');
    const operations = areas.flatMap((area) => area.operations);
    expect(await page.locator('#operations details').count()).toBe(operations.length);
    await page.fill('#find', 'account.login');
    expect(await page.locator('#operations details:visible').count()).toBe(1);
    expect(new Set(requested.map((each) => new URL(each).origin))).toEqual(new Set([url]));
    expect(faults).toEqual([]);
  });

  test('injected markup and foreign calls are stopped by the policy', async () => {
    const stopped = await page.evaluate(`(async () => {
      const broken = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => broken.push(effectiveDirective));
      document.body.insertAdjacentHTML('beforeend', '<img src="https://evil.example/a"><iframe src="https://evil.example"></iframe>');
      const script = document.createElement('script');
      script.textContent = 'window.taken = true';
      document.body.append(script);
      await fetch('https://evil.example/', { mode: 'no-cors' }).catch(() => undefined);
      while (broken.length < 4) await new Promise((done) => document.addEventListener('securitypolicyviolation', done, { once: true }));
      return { broken: broken.sort(), taken: window.taken === true };
    })()`);
    expect(stopped).toEqual({ broken: ['connect-src', 'frame-src', 'img-src', 'script-src-elem'], taken: false });
  });

  test('the session is in a cookie that scripts do not see, and a page of another site cannot use', async () => {
    const body = JSON.stringify({ user: 'ana', password: EXAMPLE_PASSWORD, code: EXAMPLE_CODE });
    const login = `fetch('/api/v1/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${body}' }).then(({ status }) => status)`;
    expect(await page.evaluate(login)).toBe(200);
    expect(await page.evaluate('document.cookie')).toBe('');
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: '__Host-weir-session', secure: true, httpOnly: true, sameSite: 'Strict', path: '/' });
    expect(await page.evaluate("fetch('/api/v1/me').then((answer) => answer.json()).then(({ name }) => name)")).toBe('ana');
    const other = await page.context().newPage();
    await other.goto('data:text/html,<p>other</p>');
    const read = `fetch('${url}/api/v1/me', { credentials: 'include' }).then(() => 'read', () => 'stopped')`;
    expect(await other.evaluate(read)).toBe('stopped');
    await other.close();
  });
});

describe('the certificate', () => {
  /** The serial number of the certificate that a new connection gets. */
  async function serial(options: tls.ConnectionOptions = {}): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false, ...options });
    socket.on('secureConnect', () => resolve(socket.getPeerCertificate().serialNumber));
    socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
    return promise.finally(() => socket.destroy());
  }

  test('is replaced without a restart, and only by a pair that fits', async () => {
    const first = await serial();
    const next = await ca.issue('localhost', 'DNS:localhost');
    copyFileSync(next.certificate, used.certificate);
    await api.refreshCertificate();
    expect(await serial()).toBe(first);
    copyFileSync(next.privateKey, used.privateKey);
    await api.refreshCertificate();
    expect(await serial()).not.toBe(first);
  });

  test('needs TLS 1.2 or newer', async () => {
    await expect(serial({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })).rejects.toThrow(/PROTOCOL|VERSION|ALERT/i);
    expect(await serial({ maxVersion: 'TLSv1.2' })).toMatch(/^[0-9A-F]+$/);
  });

  test('makes browsers stay with TLS', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    socket.write(`GET /api/v1/health HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    expect(await promise).toContain('strict-transport-security: max-age=31536000');
    socket.destroy();
  });
});
