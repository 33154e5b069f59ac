// Registered endpoints in a real store: changes at the same time, limits, ends of registrations, restarts, replicas and outages.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SqliteStore } from '#lib/store/sqlite-store.ts';
import { until } from '../../test/support/until.ts';
import type { NewRegistration } from './registration.ts';
import { Registrations } from './registrations.ts';
import type { RegistrationsOptions } from './registrations.ts';
import { SCHEMA } from './schema.ts';

const BACKEND = 'default/app';
/** The store looks every few milliseconds, so that tests do not wait for seconds. */
const TIMES = { poll: 5, backoff: { minimum: 5, maximum: 10 } };

let folder = '';
let file = '';
let running: { readonly registrations: Registrations; readonly store: SqliteStore }[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-registrations-'));
  file = path.join(folder, 'store.sqlite');
});
afterEach(async () => {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a controller's part, on the data of the test. */
function start(options: Partial<RegistrationsOptions> = {}, patience = 30_000): Registrations {
  const store = new SqliteStore({ file, patience, schema: SCHEMA });
  const failed = (error: unknown) => {
    throw error;
  };
  const registrations = new Registrations({ store, times: TIMES, failed, ...options });
  running.push({ registrations, store });
  return registrations;
}

async function stopAll(): Promise<void> {
  for (const { registrations, store } of running) {
    await registrations.stop();
    await store.close();
  }
  running = [];
}

const endpoint = (address: string, fields: Partial<NewRegistration> = {}): NewRegistration => ({
  address,
  port: 80,
  attributes: {},
  ttl: null,
  ...fields,
});
const addresses = async (registrations: Registrations, backend: string | null = BACKEND) =>
  (await registrations.list(backend)).registrations.map(({ address }) => address).sort();

/** Follows a Backend; `seen` is its last endpoints or the last trouble. */
function follow(registrations: Registrations): { seen: readonly string[] | string | null } {
  const state: { seen: readonly string[] | string | null } = { seen: null };
  registrations.follow(BACKEND, {
    found: (all) => (state.seen = all.map(({ address }) => address).sort()),
    troubled: (message) => (state.seen = message),
  });
  return state;
}

/** Moves the end of registrations into the past, as if that time had passed. */
function passTime(): void {
  const database = new DatabaseSync(file, { timeout: 1_000 });
  database.exec(
    'UPDATE weir_registered_endpoints SET expires = 1 WHERE expires IS NOT NULL; UPDATE weir_revision SET revision = revision + 1',
  );
  database.exec('UPDATE weir_registered_endpoints SET revision = (SELECT revision FROM weir_revision)');
  database.close();
}

describe('registered endpoints', () => {
  test('are kept with all that is known of them', async () => {
    const attributes = { weight: 3, priority: 1, zone: 'a', labels: { version: 'v2' } };
    const result = await start().add(BACKEND, [endpoint('10.0.0.1', { attributes, ttl: 60_000 }), endpoint('fd00::1')], 'ann at desk');
    expect(result).toEqual({ ok: true, value: { added: [address('10.0.0.1'), address('fd00::1')], renewed: [] } });
    await stopAll();
    const { registrations, trouble } = await start().list(null);
    expect(trouble).toBeNull();
    const [first] = registrations;
    expect(first).toMatchObject({ backend: BACKEND, address: '10.0.0.1', port: 80, attributes, ttl: 60_000, origin: 'ann at desk' });
    expect(first?.expires).toBe(Number(first?.renewed) + 60_000);
    expect(registrations[1]).toMatchObject({ address: 'fd00::1', attributes: {}, ttl: null, expires: null });
  });

  test('that are registered again have the new values, and the time of the first registration', async () => {
    const registrations = start();
    await registrations.add(BACKEND, [endpoint('10.0.0.1', { attributes: { weight: 3 } })], 'one');
    const [before] = (await registrations.list(BACKEND)).registrations;
    const again = await registrations.add(BACKEND, [endpoint('10.0.0.1', { ttl: 60_000 }), endpoint('10.0.0.2')], 'two');
    expect(again).toEqual({ ok: true, value: { added: [address('10.0.0.2')], renewed: [address('10.0.0.1')] } });
    const [after] = (await registrations.list(BACKEND)).registrations;
    expect(after).toMatchObject({ attributes: {}, ttl: 60_000, origin: 'two', added: before?.added });
  });

  test('are removed one by one, or all of a Backend', async () => {
    const registrations = start();
    await registrations.add(
      BACKEND,
      ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((each) => endpoint(each)),
      '',
    );
    await registrations.add('default/other', [endpoint('10.0.0.1')], '');
    const one = await registrations.remove(BACKEND, [address('10.0.0.2'), address('10.0.0.9')]);
    expect(one).toEqual({ ok: true, value: { removed: [address('10.0.0.2')], absent: [address('10.0.0.9')] } });
    expect(await addresses(registrations)).toEqual(['10.0.0.1', '10.0.0.3']);
    expect(await registrations.remove(BACKEND, 'all')).toMatchObject({ value: { removed: [{}, {}], absent: [] } });
    expect(await addresses(registrations, null)).toEqual(['10.0.0.1']);
  });

  test('reach followers of their Backend only', async () => {
    const registrations = start();
    const state = follow(registrations);
    await until(() => Array.isArray(state.seen) && state.seen.length === 0, 'the first answer');
    await registrations.add('default/other', [endpoint('10.0.0.9')], '');
    await registrations.add(BACKEND, [endpoint('10.0.0.1')], '');
    expect(state.seen).toEqual(['10.0.0.1']);
  });

  test('are not lost or doubled by many changes at the same time', async () => {
    const controllers = [start(), start()];
    const all = Array.from({ length: 20 }, (_, index) => `10.0.1.${index}`);
    const twice = all.flatMap((each) => controllers.map((one) => one.add(BACKEND, [endpoint(each)], '')));
    const results = await Promise.all(twice);
    const added = results.flatMap((result) => (result.ok ? result.value.added : []));
    expect(added.map((each) => each.address).sort()).toEqual(all.toSorted());
    for (const one of controllers) expect(await addresses(one)).toEqual(all.toSorted());
  });

  test('are there or not after an addition and a removal at the same time, and each controller says the same', async () => {
    const controllers = [start(), start()];
    for (let round = 0; round < 10; round++) {
      const [adding, removing] = [start(), start()];
      const changes = [adding.add(BACKEND, [endpoint('10.0.0.1')], ''), removing.remove(BACKEND, [address('10.0.0.1')])];
      expect((await Promise.all<{ readonly ok: boolean }>(changes)).map(({ ok }) => ok)).toEqual([true, true]);
      const [one, two] = await Promise.all(controllers.map((each) => addresses(each)));
      expect(one).toEqual(two);
    }
  });
});

describe('limits of registered endpoints', () => {
  test('refuse all of a request that exceeds them', async () => {
    const registrations = start({ limits: { perBackend: 2, total: 3 } });
    await registrations.add(BACKEND, [endpoint('10.0.0.1')], '');
    const refused = await registrations.add(BACKEND, [endpoint('10.0.0.2'), endpoint('10.0.0.3')], '');
    expect(refused).toMatchObject({ ok: false, error: { reason: 'full', message: expect.stringContaining('would have 3 registered') } });
    expect(await addresses(registrations)).toEqual(['10.0.0.1']);
    expect(await registrations.add(BACKEND, [endpoint('10.0.0.1'), endpoint('10.0.0.2')], '')).toMatchObject({ ok: true });
    await registrations.add('default/b', [endpoint('10.0.0.1')], '');
    expect(await registrations.add('default/c', [endpoint('10.0.0.1')], '')).toMatchObject({ ok: false, error: { reason: 'full' } });
  });

  test('hold for controllers that add at the same time', async () => {
    const controllers = [start({ limits: { perBackend: 5, total: 100 } }), start({ limits: { perBackend: 5, total: 100 } })];
    const addresses = Array.from({ length: 10 }, (_, index) => `10.0.0.${index}`);
    const many = controllers.flatMap((one, index) =>
      addresses.map((each) => one.add(BACKEND, [{ ...endpoint(each), port: 80 + index }], '')),
    );
    expect((await Promise.all(many)).filter(({ ok }) => ok)).toHaveLength(5);
  });
});

describe('the end of a registration', () => {
  test('takes the endpoint away in every controller', async () => {
    const [one, two] = [start(), start()];
    await one.add(BACKEND, [endpoint('10.0.0.1', { ttl: 60_000 }), endpoint('10.0.0.2')], '');
    const states = [follow(one), follow(two)];
    await until(() => states.every(({ seen }) => seen?.length === 2), 'both endpoints');
    passTime();
    await until(() => states.every(({ seen }) => seen?.length === 1), 'the endpoint without an end');
    expect(states[0]?.seen).toEqual(['10.0.0.2']);
  });

  test('begins anew with each registration', async () => {
    const registrations = start();
    await registrations.add(BACKEND, [endpoint('10.0.0.1', { ttl: 60_000 })], '');
    const [before] = (await registrations.list(BACKEND)).registrations;
    await registrations.add(BACKEND, [endpoint('10.0.0.1', { ttl: 90_000 })], '');
    const [after] = (await registrations.list(BACKEND)).registrations;
    expect(Number(after?.expires) - Number(before?.expires)).toBeGreaterThanOrEqual(30_000);
  });

  test('is put off by a time in which no controller ran', async () => {
    await start().add(BACKEND, [endpoint('10.0.0.1', { ttl: 60_000 })], '');
    await stopAll();
    passTime();
    const registrations = start();
    const [revived] = (await registrations.list(BACKEND)).registrations;
    expect(Number(revived?.expires)).toBeGreaterThan(Date.now() + 30_000);
  });

  test('is put off by such a time also if a change is the first use', async () => {
    await start().add(BACKEND, [endpoint('10.0.0.1', { ttl: 60_000 })], '');
    await stopAll();
    passTime();
    const registrations = start();
    await registrations.add(BACKEND, [endpoint('10.0.0.2')], '');
    expect(await addresses(registrations)).toEqual(['10.0.0.1', '10.0.0.2']);
  });
});

describe('a store that is away', () => {
  test('refuses changes and keeps what is known, and works again by itself', async () => {
    const registrations = start({}, 20);
    await registrations.add(BACKEND, [endpoint('10.0.0.1', { ttl: 60_000 })], '');
    const state = follow(registrations);
    await until(() => Array.isArray(state.seen), 'the first answer');
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    const refused = await registrations.add(BACKEND, [endpoint('10.0.0.2')], '');
    expect(refused).toMatchObject({ ok: false, error: { reason: 'away', message: expect.stringContaining(`${file} is locked`) } });
    await until(() => typeof state.seen === 'string', 'the trouble');
    const { registrations: known, trouble } = await registrations.list(BACKEND);
    expect([known.map((each) => each.address), trouble]).toEqual([['10.0.0.1'], expect.stringContaining('is locked')]);
    other.exec('UPDATE weir_registered_endpoints SET expires = 1; COMMIT');
    other.close();
    await until(() => Array.isArray(state.seen), 'the recovery');
    expect(state.seen).toEqual(['10.0.0.1']);
    expect(await registrations.add(BACKEND, [endpoint('10.0.0.2')], '')).toMatchObject({ ok: true });
  });

  test('and becomes an older one, from a backup, is read as a whole', async () => {
    const registrations = start();
    await registrations.add(BACKEND, [endpoint('10.0.0.1')], '');
    const state = follow(registrations);
    await registrations.add(BACKEND, [endpoint('10.0.0.2')], '');
    const other = new DatabaseSync(file, { timeout: 1_000 });
    other.exec("DELETE FROM weir_registered_endpoints WHERE address = '10.0.0.2'; UPDATE weir_revision SET revision = 1");
    other.close();
    await until(() => state.seen?.length === 1, 'the older state');
    expect(state.seen).toEqual(['10.0.0.1']);
  });
});

function address(text: string) {
  return { address: text, port: 80 };
}
