// The operations about the audit log, over HTTP.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { createLog } from '#lib/log.ts';
import { startAdminApi, type TestApi } from '../../test/support/admin-server.ts';
import { makeAdminStore } from '../store/admin-store.ts';
import { AuditLog } from './audit-log.ts';
import { AuditWriter } from './audit-writer.ts';
import { verifyExport } from './exported-log.ts';
import { auditArea } from './operations.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-audit-'));
const store = makeAdminStore({ kind: 'sqlite', file: path.join(folder, 'admin.sqlite') });
const auditor = new AuditWriter(store, createLog('silent'));

let api: TestApi;
beforeAll(async () => {
  const callers = {
    ana: { permissions: ['audit:read'] },
    tenant: { permissions: ['audit:read'], namespace: 'shop' },
    eve: { permissions: [] },
  } as const;
  api = await startAdminApi([auditArea(new AuditLog(store))], callers, { auditor });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await auditor.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function call(token: string, path: string, method = 'GET') {
  const answer = await fetch(`${api.url}/api/v1/audit${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  return { status: answer.status, text, json: () => JSON.parse(text) as Record<string, unknown> };
}

test('an operation is in the log before its answer is sent', async () => {
  expect(await call('ana', '/verify', 'POST')).toMatchObject({ status: 200 });
  const list = await call('ana', '/entries?operation=audit.verify&limit=1');
  expect(list.json()).toMatchObject({
    items: [{ sequence: 1, actor: { kind: 'token', name: 'ana' }, outcome: 'success', objects: [] }],
    next: null,
  });
  expect((await call('ana', '/entries/1')).json()).toMatchObject({
    sequence: 1,
    changes: [],
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('refusals are in the log, and entries of others are not shown to the caller of one namespace', async () => {
  expect(await call('eve', '/verify', 'POST')).toMatchObject({ status: 403 });
  const refused = await call('ana', '/entries?actor=eve&outcome=refused');
  expect(refused.json()).toMatchObject({ items: [{ operation: 'audit.verify', status: 403 }] });
  expect((await call('tenant', '/entries')).status).toBe(403);
  expect((await call('tenant', '/entries?namespace=shop')).json()).toEqual({ items: [], next: null });
  expect((await call('tenant', '/entries/1')).status).toBe(404);
  expect((await call('ana', '/entries/999999')).status).toBe(404);
});

test('wrong queries name their fields', async () => {
  expect((await call('ana', '/entries?cursor=x.y')).json()).toMatchObject({ status: 400, errors: [{ field: 'query.cursor' }] });
  expect((await call('ana', '/entries?since=yesterday')).json()).toMatchObject({ status: 400, errors: [{ field: 'query.since' }] });
});

test('an export is whole, and is an entry itself', async () => {
  const exported = await call('ana', '/export');
  expect(await verifyExport(Readable.from([Buffer.from(exported.text)]))).toMatchObject({ ok: true, value: { broken: null } });
  expect((await call('ana', '/export.csv?actor=ana')).text).toMatch(/^sequence,id,time,.*\r\n1,/);
  const entries = await call('ana', '/entries?operation=audit.export');
  expect(entries.json()).toMatchObject({ items: [{ actor: { name: 'ana' } }] });
});
