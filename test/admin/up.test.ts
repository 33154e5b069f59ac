// The admin API of `weir up` and of `weir admin`, as processes: what they print and serve, and that the gateway never depends on it.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { gateway, gatewayClass } from '../support/objects.ts';

let folder: string;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-admin-'));
  [port = 0] = await freePorts(1);
  const items = [gatewayClass(), gateway('gw', [{ name: 'http', port }])];
  writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

describe('weir up', () => {
  let weir: Child;

  async function start(env: NodeJS.ProcessEnv, ...flags: readonly string[]): Promise<void> {
    weir = new Child(['up', folder, '--access-log', 'off', '--store', 'off', ...flags], env);
    await weir.printed(/serving; stop with/);
    expect(await statusOf(`http://127.0.0.1:${port}/`)).toBe(404);
  }

  test('prints the URL, serves the API on loopback, and counts its requests', async () => {
    await start({ WEIR_ADMIN_API_ADDRESS: '127.0.0.1:0' }, '--probe-port', '0');
    try {
      const [, url = ''] = await weir.printed(/admin API on (http:\/\/127\.0\.0\.1:\d+)\/api\/v1\/docs/);
      expect(await (await fetch(`${url}/api/v1/health`)).json()).toMatchObject({ status: 'ok', away: [] });
      expect(await (await fetch(`${url}/api/v1/openapi.json`)).json()).toMatchObject({ openapi: '3.1.0' });
      const [, password = ''] = await weir.printed(/log in as admin with the password (\S+) \(/);
      const login = await fetch(`${url}/api/v1/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user: 'admin', password }),
      });
      expect(login.status).toBe(200);
      const [cookie = ''] = login.headers.get('set-cookie')?.split(';') ?? [];
      expect(await statusOf(`${url}/api/v1/users`)).toBe(401);
      const users = await fetch(`${url}/api/v1/users`, { headers: { cookie } });
      expect(await users.json()).toMatchObject({ items: [{ name: 'admin' }] });
      const status = await fetch(`${url}/api/v1/status`, { headers: { cookie } });
      expect(await status.json()).toMatchObject({ listeners: [{ listener: 'default/gw/http', port }] });
      const { csrfToken } = (await login.json()) as { readonly csrfToken: string };
      const block = await fetch(`${url}/api/v1/blocks`, {
        method: 'PUT',
        headers: { cookie, origin: url, 'weir-csrf-token': csrfToken, 'content-type': 'application/json' },
        body: JSON.stringify({ source: '203.0.113.7' }),
      });
      expect(block.status).toBe(200);
      const entries = await fetch(`${url}/api/v1/audit/entries`, { headers: { cookie } });
      expect(await entries.json()).toMatchObject({
        items: [{ operation: 'blocks.put', actor: { name: 'admin' } }, { operation: 'account.login' }],
      });
      const [, metrics = ''] = await weir.printed(/metrics on (http:\S+)/);
      const text = await (await fetch(metrics)).text();
      expect(text).toContain('weir_admin_request_duration_seconds_count{operation="health.get",status="200"} 1');
      expect(text).toContain('weir_admin_request_duration_seconds_count{operation="none",status="200"} 1');
    } finally {
      await weir.stop();
    }
  });

  test('serves the gateway if the address is in use', async () => {
    const owner = http.createServer();
    await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
    try {
      await start({}, '--admin-api-address', `127.0.0.1:${(owner.address() as AddressInfo).port}`);
      expect(weir.output).toMatch(/--admin-api-address: .*in use.*the admin API is not served; the gateway is/s);
      expect(weir.output).not.toContain('admin API on');
    } finally {
      await weir.stop();
      owner.close();
    }
  });

  test('serves the gateway if the store cannot be opened, and the API names it', async () => {
    await start({}, '--admin-api-address', '127.0.0.1:0', '--admin-store', path.join(folder, 'all.json', 'admin.sqlite'));
    try {
      const [, url = ''] = await weir.printed(/admin API on (http:\S+?)\/api/);
      expect(await (await fetch(`${url}/api/v1/health`)).json()).toMatchObject({ status: 'degraded', away: ['store'] });
      expect(weir.output).toContain('a part of the admin API is away');
    } finally {
      await weir.stop();
    }
  });
});

test('weir admin serves the API, probes and metrics, and names controllers that are away', async () => {
  const [probes] = await freePorts(1);
  const flags = ['--admin-api-address', '127.0.0.1:0', '--metrics-address', `127.0.0.1:${probes}`];
  const store = ['--admin-store', path.join(folder, 'own.sqlite')];
  const file = path.join(folder, 'none.pem');
  const controllers = ['--controllers', '127.0.0.1:1', ...['ca', 'cert', 'key'].flatMap((part) => [`--controller-tls-${part}`, file])];
  const weir = new Child(['admin', ...flags, ...store, ...controllers]);
  try {
    const [, url = ''] = await weir.printed(/"url":"(http:[^"]+)".*the admin API is served/);
    expect(await statusOf(`${url}/api/v1/docs`)).toBe(200);
    await weir.printed(/not connected to a controller/);
    expect(await (await fetch(`${url}/api/v1/health`)).json()).toMatchObject({ status: 'degraded', away: ['controllers'] });
    for (const probe of ['livez', 'readyz', 'metrics']) expect(await statusOf(`http://127.0.0.1:${probes}/${probe}`)).toBe(200);
  } finally {
    await weir.stop();
  }
});
