// The use of the API in real stores: calls of several programs add up, slow calls are kept, unusual logins are found.
import { expect, test } from '@jest/globals';
import { createLog } from '#lib/log.ts';
import type { Store } from '#lib/store/store.ts';
import { auditRecord } from '../../test/support/audit-entries.ts';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import { AuditWriter } from '../audit/audit-writer.ts';
import { LoginWatch, placeOf } from './login-watch.ts';
import { UsageRecorder } from './usage-recorder.ts';
import { Usage } from './usage.ts';

const SILENT = createLog('silent');
const DAY = 86_400_000;
const ALL = { by: 'both', days: 30, actor: null, operation: null, limit: 10 } as const;
const ANA = { kind: 'user', id: 'u1', name: 'ana' } as const;
const TOKEN = { kind: 'token', id: 't1', name: 'ana' } as const;

function call(some: Partial<Parameters<UsageRecorder['ended']>[0]> = {}): Parameters<UsageRecorder['ended']>[0] {
  return { operation: 'users.list', status: 200, ms: 10, caller: ANA, requestId: 'r1', isStream: false, ...some };
}

describeAdminStores({ 'the use of the API': testUsage, 'unusual logins': testLogins });

function testUsage(open: OpenAdminStore): void {
  test('calls of two programs add up by operation and caller, and old days go', async () => {
    let now = 100 * DAY;
    const [one, other] = [new UsageRecorder(open(), SILENT, () => now), new UsageRecorder(open(), SILENT, () => now)];
    for (const each of [call(), call({ status: 403, ms: 30 }), call({ caller: TOKEN })]) one.ended(each);
    other.ended(call({ ms: 50 }));
    other.ended(call({ operation: 'audit.list', ms: 5 }));
    other.ended(call({ operation: 'requests.tail', ms: 60_000, isStream: true }));
    await other.flush();
    const counts = { actorKind: 'user', actorId: 'u1', actorName: 'ana', calls: 3, failures: 1, totalMs: 90, maxMs: 50, lastUsed: now };
    const both = await one.usage(ALL);
    expect(both.ok ? both.value : both).toHaveLength(4);
    expect(both).toMatchObject({
      ok: true,
      value: [{ operation: 'users.list', ...counts }, { totalMs: 5 }, { totalMs: 0 }, { actorKind: 'token' }],
    });
    expect(await one.usage({ ...ALL, by: 'operation', operation: 'users.list' })).toMatchObject({
      value: [{ operation: 'users.list', actorKind: '', calls: 4 }],
    });
    expect(await one.usage({ ...ALL, by: 'actor', actor: 'ana' })).toMatchObject({
      value: [{ actorKind: 'user', operation: '', calls: 5 }, {}],
    });
    now += 89 * DAY;
    one.ended(call());
    expect(await one.usage({ ...ALL, by: 'operation', days: 90 })).toMatchObject({ value: [{ calls: 5 }, {}, {}] });
    expect(await one.usage({ ...ALL, by: 'operation', days: 89 })).toMatchObject({ value: [{ calls: 1 }] });
    now += DAY;
    one.ended(call());
    expect(await one.usage({ ...ALL, by: 'operation', days: 90 })).toMatchObject({ value: [{ calls: 2 }] });
  });

  test('slow calls are kept, the latest first, without streams; sessions in force and failures of the audit log are metrics', async () => {
    const store = open();
    const auditor = new AuditWriter(store, SILENT);
    const usage = new Usage({ store, auditor, sessions: { idle: 60_000, absolute: 600_000 }, log: SILENT });
    for (const requestId of ['a', 'b']) usage.recorder.ended(call({ ms: 2_000, requestId }));
    usage.recorder.ended(call({ ms: 9_000, isStream: true }));
    usage.recorder.ended(call({ ms: 999 }));
    expect(usage.recorder.slowCalls.map(({ requestId }) => requestId)).toEqual(['b', 'a']);
    await addSession(store, 'young', Date.now());
    await addSession(store, 'idle', Date.now() - 120_000);
    await usage.look();
    const values = Object.fromEntries(usage.families.map(({ name, read }) => [name, read().map(({ value }) => value)]));
    expect(values).toMatchObject({ weir_admin_sessions: [1], weir_admin_audit_failures_total: [0], weir_admin_audit_owed_entries: [0] });
    await usage.close();
    await auditor.close();
  });
}

async function addSession(store: Store, id: string, lastUsed: number): Promise<void> {
  const added = await store.write((t) =>
    t.run(
      `INSERT INTO weir_admin_sessions (id, hash, user_id, method, address, user_agent, created, last_used)
        VALUES (?, ?, 'u1', 'password', '', '', ?, ?)`,
      [id, id, lastUsed, lastUsed],
    ),
  );
  expect(added).toMatchObject({ ok: true });
}

function testLogins(open: OpenAdminStore): void {
  test('a login from a new place, from two places at once, and a burst of failures are told', async () => {
    const store = open();
    const auditor = new AuditWriter(store, SILENT);
    const watch = new LoginWatch(auditor, store, SILENT);
    let time = 100 * DAY;
    const login = (address: string, refused = false) =>
      watch.record(
        auditRecord({
          ...{ time, operation: 'account.login', caller: { address, name: '', id: '' } },
          ...(refused
            ? { outcome: 'refused', changes: [] }
            : { changes: [{ object: 'session/s1', before: null, after: { user: 'ana' } }] }),
        }),
      );
    const kinds = async () => {
      const found = await watch.list(10);
      return found.ok ? found.value.map(({ kind, user, address }) => `${kind} ${user} ${address}`) : [];
    };
    expect(await login('192.0.2.7')).toMatchObject({ ok: true });
    time += 3_600_000;
    await login('192.0.2.200');
    expect(await kinds()).toEqual([]);
    time += 3_600_000;
    await login('198.51.100.7');
    expect(await kinds()).toEqual(['new-place ana 198.51.100.7']);
    time += 60_000;
    await login('192.0.2.7');
    expect(await kinds()).toEqual(['two-places ana 192.0.2.7', 'new-place ana 198.51.100.7']);
    time += 60_000;
    for (let i = 0; i < 25; i++) await login(`2001:db8:1::${i}`, true);
    expect(await kinds()).toEqual(['failure-burst  2001:db8:1::9', 'two-places ana 192.0.2.7', 'new-place ana 198.51.100.7']);
    time += 91 * DAY;
    // All places are forgotten, so there is none to compare with.
    await login('203.0.113.1');
    expect(Object.fromEntries(watch.counts)).toEqual({ 'new-place': 1, 'two-places': 1, 'failure-burst': 1 });
    // Other operations are no logins.
    await watch.record(auditRecord({ outcome: 'refused' }));
    await watch.settled();
    await auditor.close();
  });

  test('an address has the place of its network', () => {
    expect(['192.0.2.7', '::1', '2001:db8:1:2:3:4:5:6', '2001:db8::7'].map(placeOf)).toEqual([
      '192.0.2.0/24',
      '0:0:0::/48',
      '2001:db8:1::/48',
      '2001:db8:0::/48',
    ]);
  });
}
