// Sessions of `weir up`: they outlive a killed process, because the folder keeps their key.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import type { Echo } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { backendSite } from '../support/objects.ts';

let folder = '';
let port = 0;
let weir: Child;
const backends = Array.from({ length: 4 }, (_, i) => new Backend(String(i)));

/** Sessions that outlive the browser. */
const RULE = { sessionPersistence: { absoluteTimeout: '1h', cookieConfig: { lifetimeType: 'Permanent' } } };

async function start(): Promise<void> {
  weir = new Child(['up', folder, '--workers', '2', '--admin-port', 'off', '--probe-port', 'off', '--access-log', 'off']);
  await weir.printed(/serving; stop/);
}

async function ask(cookie = ''): Promise<{ readonly backend: string; readonly cookie: string | null }> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close', ...(cookie === '' ? {} : { cookie }) } });
  const { backend } = (await answer.json()) as Echo;
  return { backend, cookie: answer.headers.get('set-cookie') };
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-sessions-'));
  [port = 0] = await freePorts(1);
  await Promise.all(backends.map((backend) => backend.start()));
  const endpoints = backends.map((backend) => ({ ip: '127.0.0.1', port: backend.port }));
  writeFileSync(path.join(folder, 'all.json'), backendSite(port, 'app', { endpoints }, RULE));
  await start();
});

afterAll(async () => {
  await weir.stop('SIGKILL');
  await Promise.all(backends.map((backend) => backend.stop()));
  rmSync(folder, { recursive: true, force: true });
});

test('a session holds at all workers, and after the process was killed', async () => {
  const first = await ask();
  expect(first.cookie).toMatch(/^weir-[0-9a-f]{8}=[\w-]{87}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
  const [cookie = ''] = (first.cookie ?? '').split(';');
  const resumed = async (): Promise<void> => {
    for (let i = 0; i < 12; i++) expect(await ask(cookie)).toEqual({ backend: first.backend, cookie: null });
  };
  await resumed();
  await weir.stop('SIGKILL');
  await start();
  await resumed();
});
