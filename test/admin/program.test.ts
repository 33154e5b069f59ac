// `weir admin` with a controller over mTLS: operators read its state by the admin API, and learn that it is away.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import { readConfig } from '../../admin/config.ts';
import { AdminProgram } from '../../admin/main.ts';
import { exampleAnswer } from '../../admin/live/example-answers.ts';
import { FLEET_ROWS } from '../../admin/live/fleet-rows.ts';
import { operatorService } from '../../controller/operations/operator-service.ts';
import { TestCa } from '../support/certificates.ts';
import { exampleOperations } from '../support/example-controller.ts';
import { serveHub, type HubServer } from '../support/telemetry.ts';

const LOG = createLog('silent');

let folder: string;
let ca: TestCa;
let hub: HubServer;
let program: AdminProgram;
let url: string;
let cookie: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-program-'));
  ca = await TestCa.create();
  const controller = await ca.issue('controller', 'IP:127.0.0.1');
  const own = await ca.issue('weir-admin', 'URI:spiffe://weir/admin');
  hub = await serveHub({ tls: controller, admin: operatorService(exampleOperations(), LOG) });
  const files = { ca: controller.ca, cert: own.certificate, key: own.privateKey };
  const config = readConfig(
    [
      ...['--admin-api-address', '127.0.0.1:0', '--metrics-address', '127.0.0.1:0', '--admin-api-address-rate', '100000'],
      ...['--admin-store', path.join(folder, 'admin.sqlite'), '--controllers', `127.0.0.1:${hub.port}`],
      ...Object.entries(files).flatMap(([name, file]) => [`--controller-tls-${name}`, file]),
    ],
    {},
  );
  if (!config.ok) throw new Error(config.error);
  const first = Promise.withResolvers<string>();
  program = new AdminProgram(config.value, LOG, (_, password) => first.resolve(password));
  const started = await program.start();
  if (!started.ok) throw new Error(started.error);
  url = `${started.value}/api/v1`;
  const login = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: 'admin', password: await first.promise }),
  });
  cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
});

afterAll(async () => {
  await program?.stop();
  await hub?.server.stop();
  await ca?.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(`${url}${path}`, { headers: { cookie } });
  return { status: answer.status, body: await answer.json() };
}

test('reads the state of the fleet, and names the controllers that are away', async () => {
  const status = FLEET_ROWS.find(({ id }) => id === 'fleet.status');
  expect(await get('/status')).toEqual({ status: 200, body: exampleAnswer(status as NonNullable<typeof status>) });
  expect(await get('/controllers')).toMatchObject({
    body: { controllers: [{ address: `127.0.0.1:${hub.port}`, connected: true, lastError: '' }] },
  });
  expect(await get('/health')).toMatchObject({ body: { status: 'ok', away: [] } });
  await hub.server.stop();
  // The loss of a connection is no event for callers.
  while (JSON.stringify((await get('/health')).body).includes('"away":[]'));
  expect(await get('/health')).toMatchObject({ body: { status: 'degraded', away: ['controllers'] } });
  expect(await get('/status')).toMatchObject({ status: 503, body: { code: 'controllers-away' } });
  expect(await get('/controllers')).toMatchObject({ status: 200, body: { controllers: [{ connected: false }] } });
});
