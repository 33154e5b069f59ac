// The store in a real PostgreSQL server: transactions of replicas, outages, passwords.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../../test/support/describe-with.ts';
import { PASSWORD, Postgres } from '../../test/support/postgres.ts';
import { REVISIONS, testStore } from '../../test/support/store-suite.ts';
import type { Schema } from './schema.ts';
import { PostgresStore } from './postgres-store.ts';

describeWith(['postgres'], 'a store of PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await Postgres.start();
  });
  afterAll(() => postgres.stop());
  afterEach(() => {
    postgres.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  });

  const open = (schema: Schema = REVISIONS, password = PASSWORD) =>
    new PostgresStore({ url: postgres.url, password: () => Promise.resolve(password), schema });
  const increase = (store: PostgresStore) => store.write((t) => t.run('UPDATE weir_revision SET revision = revision + 1'));
  const revision = (store: PostgresStore) => store.read((t) => t.rows('SELECT revision FROM weir_revision'));

  testStore((schema) => open(schema));

  test('has a name without passwords and options', async () => {
    const store = new PostgresStore({
      url: 'postgres://weir@db.example:5433/weir?sslmode=disable',
      password: () => Promise.resolve('secret'),
      schema: REVISIONS,
    });
    expect(store.name).toBe('postgres://weir@db.example:5433/weir');
    await store.close();
  });

  test('names the database if the password is wrong, and not the password', async () => {
    const store = open(undefined, 'a wrong one');
    const refused = await increase(store);
    expect(refused).toEqual({
      ok: false,
      error: expect.stringContaining(`${postgres.url} cannot be used: password authentication failed`),
    });
    expect(JSON.stringify(refused)).not.toContain('a wrong one');
    await store.close();
  });

  test('refuses while the server is away, keeps what it confirmed, and works again by itself', async () => {
    const store = open();
    expect(await increase(store)).toEqual({ ok: true, value: 1 });
    await postgres.kill();
    expect(await increase(store)).toEqual({ ok: false, error: expect.stringContaining(`${postgres.url} cannot be used: `) });
    expect(await revision(store)).toMatchObject({ ok: false });
    await postgres.restart();
    expect(await revision(store)).toEqual({ ok: true, value: [{ revision: 1 }] });
    expect(await increase(store)).toEqual({ ok: true, value: 1 });
    await store.close();
  });

  test('survives the end of its connection within a transaction', async () => {
    const store = open();
    await revision(store);
    const cut = await store.write(async (t) => {
      await t.run('UPDATE weir_revision SET revision = 100');
      postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'");
      await t.run('UPDATE weir_revision SET revision = 200');
    });
    expect(cut).toMatchObject({ ok: false });
    expect(await revision(store)).toEqual({ ok: true, value: [{ revision: 0 }] });
    await store.close();
  });

  test('gives up a server that does not answer, and works again once it does', async () => {
    const store = open();
    await revision(store);
    postgres.pause();
    const [write, read] = await Promise.all([increase(store), revision(store)]);
    expect([write, read]).toEqual([
      { ok: false, error: expect.stringContaining(`${postgres.url} cannot be used: `) },
      { ok: false, error: expect.stringContaining(`${postgres.url} cannot be used: `) },
    ]);
    postgres.resume();
    expect(await increase(store)).toMatchObject({ ok: true });
    await store.close();
  });

  test('opens the database that an earlier attempt did not find', async () => {
    await postgres.kill();
    const store = open();
    expect(await revision(store)).toMatchObject({ ok: false });
    await postgres.restart();
    expect(await revision(store)).toEqual({ ok: true, value: [{ revision: 0 }] });
    await store.close();
  });
});
