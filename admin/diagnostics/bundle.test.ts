// Bundles of diagnostics: they have what they promise within their bounds, and no secret, wherever one is.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { json } from '#lib/admin-server.ts';
import { FlagValues } from '#lib/flags.ts';
import { createLog } from '#lib/log.ts';
import { RecentLog } from '#lib/recent-log.ts';
import { auditRecord } from '../../test/support/audit-entries.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { AuditWriter } from '../audit/audit-writer.ts';
import { FolderStore } from '../configuration/folder-store.ts';
import { LocalController } from '../live/local-controller.ts';
import { makeAdminStore } from '../store/admin-store.ts';
import { bundleOf, type BundleParts } from './bundle.ts';
import { shownSettings } from './setting.ts';

/** Stands in every secret of the test. */
const SECRET = 'hush7Kq2';
const JWT = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${SECRET}TpXcVnRwQz`;

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-bundle-'));
const store = makeAdminStore({ kind: 'sqlite', file: path.join(folder, 'admin.sqlite') });
const configuration = new FolderStore(path.join(folder, 'objects'), { controllerName: 'gateway.weir.dev/controller' });
const recentLog = new RecentLog({ write: () => undefined });
const log = createLog('info', recentLog);
let parts: BundleParts;

beforeAll(async () => {
  mkdirSync(path.join(folder, 'objects'));
  const metadata = { name: 'keys', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"token":"${SECRET}"}` } };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { anything: SECRET } };
  const filters = [
    { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'Authorization', value: `Basic ${SECRET}` }] } },
  ];
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'shop', annotations: { note: `Bearer ${JWT}` } },
    spec: { rules: [{ filters }] },
  };
  writeFileSync(path.join(folder, 'objects', 'all.json'), [secret, route].map((each) => JSON.stringify(each)).join('\n'));
  log.warn({ password: SECRET, headers: { cookie: `session=${SECRET}` } }, `asked https://ana:${SECRET}@example.com/?api_key=${SECRET}`);
  const writer = new AuditWriter(store, log);
  const change = { object: 'token/t1', before: null, after: { name: 'ci', secret: SECRET } };
  await writer.record(auditRecord({ changes: [change], reason: `with ${JWT}`, userAgent: `curl ${JWT}` }));
  await writer.close();
  const flags = { url: { default: '', value: 'URL', text: 'a URL' }, level: { default: 'info', value: 'LEVEL', text: 'a level' } };
  const values = new FlagValues([], flags, { WEIR_URL: `https://ana:${SECRET}@example.com/?token=${SECRET}` });
  const samples = [{ request: { headers: { authorization: `Bearer ${SECRET}`, 'x-api-key': SECRET } }, detail: JWT }];
  parts = {
    settings: shownSettings(values.origins()),
    troubles: () => ({ store: `postgres://weir:${SECRET}@db/weir is away` }),
    configuration,
    audit: new AuditLog(store),
    live: new LocalController((operation) => Promise.resolve(operation === 'GET /errors' ? json({ groups: samples }) : json({}))),
    logLines: () => recentLog.lines,
    families: () => [{ name: 'weir_x', type: 'gauge', help: '', read: () => [{ labels: { detail: JWT }, value: 1 }] }],
  };
});
afterAll(async () => {
  await configuration.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function bundle(some: Partial<BundleParts> = {}, signal = new AbortController().signal): Promise<string> {
  let text = '';
  for await (const part of bundleOf({ ...parts, ...some }, { caller: 'ana', signal })) text += part;
  return text;
}

test('a bundle has all sections, and no secret from any of them', async () => {
  const text = await bundle();
  expect(text).not.toContain(SECRET);
  expect(JSON.parse(text)).toMatchObject({
    versions: { node: process.versions.node },
    settings: [
      { name: 'url', origin: 'environment', variable: 'WEIR_URL' },
      { name: 'level', value: 'info', origin: 'default' },
    ],
    errors: { groups: [{ request: { headers: { authorization: '[redacted]' } } }] },
    configuration: expect.arrayContaining([
      expect.objectContaining({ kind: 'Secret' }),
      expect.objectContaining({ kind: 'HTTPRoute' }),
    ]) as unknown,
    audit: [{ operation: 'users.update', changes: [{ object: 'token/t1' }] }],
    log: [{ level: 'warn', password: '[redacted]' }],
    metrics: { weir_x: [{ value: 1 }] },
  });
});

test('a section that cannot be made has the reason, a long one its end, and a caller that leaves ends the work', async () => {
  const away = new LocalController(() => null);
  const lines = Array.from({ length: 3_000 }, (_, i) => JSON.stringify({ line: i, msg: 'x'.repeat(2_000) }));
  const text = await bundle({ live: away, configuration: null, logLines: () => lines, families: () => [] });
  const made = JSON.parse(text) as { readonly log: readonly { readonly line: number }[] };
  expect(made).toMatchObject({ status: { notMade: 'there is no operation GET /status' }, configuration: [] });
  expect(made.log.at(-1)?.line).toBe(2_999);
  expect(made.log.length).toBeLessThan(1_100);
  expect(text.length).toBeLessThan(3 * 1_048_576);
  const settings = new FlagValues(['--level', 'debug'], { level: { default: 'info', value: 'LEVEL', text: '' } }, { WEIR_LEVEL: 'warn' });
  expect(settings.origins()).toEqual([{ name: 'level', value: 'debug', origin: 'flag', variable: 'WEIR_LEVEL', default: 'info' }]);
  expect(await bundle({}, AbortSignal.abort())).not.toContain('versions');
});

test('the recent log is bounded', () => {
  const written: string[] = [];
  const recent = new RecentLog({ write: (line: string) => void written.push(line) });
  for (let i = 0; i < 2_500; i++) recent.write(`${i}\n`);
  expect([written.length, recent.lines.length, recent.lines.at(0), recent.lines.at(-1)]).toEqual([2_500, 2_000, '500', '2499']);
  recent.write(`${'x'.repeat(2_000_000)}\n`);
  expect(recent.lines).toHaveLength(1);
});
