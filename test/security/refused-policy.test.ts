// A proxy that cannot use a policy that protects its targets: a real controller pushes it over a real stream. Its targets are refused.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type * as ir from '#api/ir/ir.ts';
import { createLog } from '#lib/log.ts';
import { LastGood } from '../../proxy/subscribe/last-good.ts';
import { Rig } from '../push/rig.ts';
import { TestCa } from '../support/certificates.ts';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { cluster, listener, pathMatch, route, type Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const ALL = '127.0.0.0/8';
const KEY = 'SecurityPolicy/default/guard';
const ID = `Policy|${KEY}`;

let ca: TestCa;
let rig: Rig;
let proxy: Proxy;
let site: readonly ir.Resource[];

beforeAll(async () => {
  ca = await TestCa.create();
});
afterAll(() => ca.remove());

beforeEach(async () => {
  rig = new Rig(ca);
  const { port } = await openUpstream();
  const other = route({ key: 'HTTPRoute/default/other/0', name: 'other', matches: [pathMatch('PathPrefix', '/other')] });
  site = [...cluster('app', [port]), listener(), route(), other];
  proxy = await openProxy([listener()]);
});
afterEach(() => rig.stop());

/** A policy for these routes; `settings` as another release may send them. */
function guard(settings: object, ...routes: readonly string[]): ir.Policy {
  return {
    ...{ kind: 'Policy', key: KEY, policyKind: 'SecurityPolicy', namespace: 'default', name: 'guard', createdAt: 0 },
    targets: routes.map((name) => ({ kind: 'HTTPRoute', namespace: 'default', name, section: '' })),
    settings: settings as ir.Policy['settings'],
  };
}

const DENY = { ipAccess: { deny: [ALL] } };
/** No release that this proxy knows has such a setting. */
const UNUSABLE = { ipAccess: { deny: { by: 'reputation' } } };

async function ask(at = '/'): Promise<string> {
  const client = await openClient(proxy.port);
  const answer = await client.ask(get(at));
  return `${status(answer)} ${/"code":"(\w+)"/.exec(answer.body)?.[1] ?? ''}`.trim();
}

const nacked = () => until(() => rig.journal.nacks.has(ID), 'the refusal');

test('its routes answer policy_unresolved, and the controller gets the reason', async () => {
  rig.change(...site, guard(UNUSABLE, 'route'));
  const { port } = await rig.serve();
  await (
    await rig.subscribe(port, { target: proxy.worker })
  ).ready;
  await nacked();
  expect([await ask(), await ask('/other')]).toEqual(['500 policy_unresolved', '200']);
  expect(rig.journal.nacks.get(ID)).toMatchObject([{ field: expect.stringMatching(/^settings.ipAccess.deny/) }]);
});

test('a usable version ends the refusal, and so does the removal of the policy', async () => {
  rig.change(...site, guard(UNUSABLE, 'route'));
  const { port } = await rig.serve();
  await (
    await rig.subscribe(port, { target: proxy.worker })
  ).ready;
  await nacked();
  rig.change(guard(DENY, 'route'));
  await until(() => !rig.journal.nacks.has(ID), 'the acknowledgement');
  expect(await ask()).toBe('403 access_denied');
  rig.remove({ kind: 'Policy', key: KEY });
  while ((await ask()) !== '200');
  rig.change(guard(UNUSABLE, 'route'));
  await nacked();
  expect(await ask()).toBe('500 policy_unresolved');
  rig.remove({ kind: 'Policy', key: KEY });
  while ((await ask()) !== '200');
});

test('an earlier version stays in use for its targets; further targets are refused', async () => {
  rig.change(...site, guard(DENY, 'route'));
  const { port } = await rig.serve();
  await (
    await rig.subscribe(port, { target: proxy.worker })
  ).ready;
  expect([await ask(), await ask('/other')]).toEqual(['403 access_denied', '200']);
  rig.change(guard(UNUSABLE, 'route', 'other'));
  await nacked();
  expect([await ask(), await ask('/other')]).toEqual(['403 access_denied', '500 policy_unresolved']);
  rig.change(guard(DENY, 'route'));
  await until(() => !rig.journal.nacks.has(ID), 'the acknowledgement');
  expect([await ask(), await ask('/other')]).toEqual(['403 access_denied', '200']);
});

test('a field __proto__ in it opens nothing', async () => {
  const settings = JSON.parse('{"ipAccess":{"deny":["127.0.0.0/8"]},"headersToBackend":[{"__proto__":{}}]}') as object;
  rig.change(...site, guard(settings, 'route'));
  const { port } = await rig.serve();
  await (
    await rig.subscribe(port, { target: proxy.worker })
  ).ready;
  await nacked();
  expect(await ask()).toBe('500 policy_unresolved');
});

test('after a new stream the refusal lasts, and ends if the policy is gone', async () => {
  rig.change(...site, guard(DENY, 'route'));
  const first = await rig.serve();
  const proxySide = await rig.subscribe(first.port, { target: proxy.worker });
  await proxySide.ready;
  rig.change(guard(UNUSABLE, 'route', 'other'));
  await nacked();
  await first.server.stop();
  await until(() => !proxySide.state().connected, 'the end of the stream');
  expect(await ask('/other')).toBe('500 policy_unresolved');
  rig.journal.nacks.clear();
  await rig.serve({ address: `127.0.0.1:${first.port}` });
  await nacked();
  expect([await ask(), await ask('/other')]).toEqual(['403 access_denied', '500 policy_unresolved']);
});

test('without a controller the stored configuration refuses too', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'weir-guard-'));
  try {
    const lastGood = () => new LastGood({ file: path.join(folder, 'last-good'), log: createLog('silent') });
    rig.change(...site, guard(UNUSABLE, 'route'));
    const { server, port } = await rig.serve();
    const tls = await ca.issue('proxy', 'URI:spiffe://weir/proxy');
    const before = await rig.subscribe(port, { target: proxy.worker, tls, lastGood: lastGood() });
    await before.ready;
    await nacked();
    await before.stop();
    await server.stop();
    proxy = await openProxy([listener()]);
    const after = await rig.subscribe(port, { target: proxy.worker, tls, lastGood: lastGood() });
    expect(await after.ready).toBe('last-good');
    expect([await ask(), await ask('/other')]).toEqual(['500 policy_unresolved', '200']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
