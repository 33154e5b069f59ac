// States of alerts in a real PostgreSQL server that is killed and comes back: nothing is told twice, and what the store missed is written
// later.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresStore } from '#lib/store/postgres-store.ts';
import type { Alert } from '../../controller/alert/alert.ts';
import { AlertBook } from '../../controller/alert/alert-book.ts';
import { KeptAlerts } from '../../controller/store/kept-alerts.ts';
import { SCHEMA } from '../../controller/store/schema.ts';
import { describeWith } from '../support/describe-with.ts';
import { PASSWORD, Postgres } from '../support/postgres.ts';

function alert(fingerprint: string, state: Alert['state']): Alert {
  const labels = { alertname: 'a', route: "HTTPRoute/n/it's/0" };
  const times = { activeAt: 1_700_000_000_000, firedAt: 1_700_000_060_000, resolvedAt: 0 };
  return { rule: 'n/a', fingerprint, labels, state, value: 0.125, summary: 'It is "so".', description: '', ...times };
}

describeWith(['postgres'], 'alerts in PostgreSQL', () => {
  let postgres: Postgres;
  let store: PostgresStore;
  let kept: KeptAlerts;
  beforeAll(async () => {
    postgres = await Postgres.start();
    store = new PostgresStore({ url: postgres.url, password: () => Promise.resolve(PASSWORD), schema: SCHEMA });
    kept = new KeptAlerts(store);
  });
  afterAll(async () => {
    await store.close();
    await postgres.stop();
  });

  test('are the same after a restart of the server, with silences and what was told', async () => {
    const silence = {
      id: 's',
      matchers: [{ label: 'route', operator: '=~' as const, value: '.*' }],
      author: 'me',
      reason: 'why',
      starts: 1,
      ends: 9e12,
    };
    await kept.change({ written: [alert('f1', 'firing'), alert('f2', 'pending')], forgotten: [] });
    await kept.silence(silence, 0);
    await kept.told({ channel: 'n/c', group: '{}', told: { f1: 1_700_000_060_000 }, sentAt: 5 });
    await postgres.kill();
    expect(await kept.load()).toEqual({ ok: false, error: expect.stringContaining('cannot be used') });
    await postgres.restart();
    expect(await kept.load()).toEqual({
      ok: true,
      value: {
        alerts: [alert('f1', 'firing'), alert('f2', 'pending')],
        silences: [silence],
        notifications: [{ channel: 'n/c', group: '{}', told: { f1: 1_700_000_060_000 }, sentAt: 5 }],
      },
    });
    expect(await kept.unsilence('s', 100)).toEqual({ ok: true, value: true });
    await kept.told({ channel: 'n/c', group: '{}', told: {}, sentAt: 6 });
    expect(await kept.load()).toMatchObject({ value: { silences: [{ ends: 100 }], notifications: [] } });
  });

  test('that change while the server is away are written when it is back', async () => {
    const book = new AlertBook(kept);
    book.restore([alert('f1', 'firing'), alert('f2', 'pending')], 0);
    await postgres.kill();
    book.put({ ...alert('f1', 'resolved'), resolvedAt: 1_700_000_090_000 }, null);
    book.forget(alert('f2', 'pending'));
    expect(await book.flush()).toMatch(/cannot be used/);
    await postgres.restart();
    expect(await book.flush()).toBe('');
    expect(await kept.alerts()).toEqual({ ok: true, value: [{ ...alert('f1', 'resolved'), resolvedAt: 1_700_000_090_000 }] });
  });
});
