// Two adjacent releases: a proxy without telemetry at this controller, and this proxy at a controller without telemetry.
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Fleet, NO_PEERS } from '../../controller/telemetry/fleet.ts';
import { Child } from '../support/child.ts';
import { formerRelease, ROOT } from '../support/former-release.ts';
import { gatewayClass } from '../support/objects.ts';
import { serveHub } from '../support/telemetry.ts';
import type { HubServer } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const SCRIPT = path.join(ROOT, 'test', 'support', 'folder-controller.mjs');
const QUIET = ['--workers', '1', '--access-log', 'off', '--probe-port', 'off', '--admin-port', 'off', '--drain-delay', '0'];

let former = '';
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  former = await formerRelease();
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function startProxy(release: string, port: number, nodeId: string): Child {
  const child = new Child(['proxy', '--controller', `127.0.0.1:${port}`, '--node-id', nodeId, '--last-good', '', ...QUIET], {}, release);
  closers.push(() => child.stop('SIGKILL'));
  return child;
}

test('a proxy of the former release has no telemetry, and this controller shows that beside its own proxies', async () => {
  const held: { served?: HubServer } = {};
  const subscribed = () =>
    (held.served?.server.sessions() ?? []).map(({ nodeId, scope, weirVersion, address }) => ({
      ...{ node: nodeId, scope, version: weirVersion, address },
    }));
  const served = (held.served = await serveHub({}, { subscribed }));
  closers.push(() => served.server.stop());
  startProxy(former, served.port, 'old');
  startProxy(ROOT, served.port, 'new');
  await until(() => served.server.sessions().filter(({ nodeId }) => nodeId !== '').length === 2, 'both proxies');
  await until(() => served.hub.aggregate().proxies[0]?.reportAgeMs !== null && served.hub.counts.reports > 0, 'a report');
  const fleet = new Fleet({ hub: served.hub, peers: NO_PEERS, resources: () => [], version: '1' });
  const { proxies, problems } = await fleet.status();
  expect(proxies.map(({ node, state }) => `${node} ${state}`)).toEqual(['new reporting', 'old no telemetry']);
  expect(problems).toContainEqual(expect.objectContaining({ object: 'proxy old', message: expect.stringContaining('does not report') }));
});

test('this proxy serves from a controller of the former release, and says once that it has no telemetry', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-telemetry-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [gatewayClass()] }));
  const controller = new Child([folder], {}, former, SCRIPT);
  closers.push(() => controller.stop('SIGKILL'));
  const [line] = await controller.printed(/\{"event":"serving".*\}/);
  const proxy = startProxy(ROOT, (JSON.parse(line) as { port: number }).port, 'new');
  await proxy.printed(/"msg":"ready"/);
  await proxy.printed(/the controller is of a release without telemetry/);
  expect(proxy.output.match(/without telemetry/g)).toHaveLength(1);
});
