// The tests that every kind of store passes.
import { afterEach, expect, test } from '@jest/globals';
import type { Store } from '#lib/store/store.ts';
import type { Migration, Schema } from '#lib/store/schema.ts';

const FIRST: Migration = ['CREATE TABLE numbers (name TEXT PRIMARY KEY, value BIGINT NOT NULL)'];
const SECOND: Migration = ["INSERT INTO numbers (name, value) VALUES ('second', 2)"];

/** A schema with one number in one row. */
export const REVISIONS = schemaOf([
  ['CREATE TABLE weir_revision (revision BIGINT NOT NULL)', 'INSERT INTO weir_revision (revision) VALUES (0)'],
]);

/** Makes another store on the same data. */
export type Open = (schema: Schema) => Store;

function schemaOf(migrations: readonly Migration[]): Schema {
  return { table: 'weir_schema', migrations };
}

/** Defines the tests. Each starts with empty data. */
export function testStore(open: Open): void {
  let stores: Store[] = [];
  afterEach(async () => {
    for (const store of stores) await store.close();
    stores = [];
  });
  const opened: Open = (schema) => {
    const store = open(schema);
    stores.push(store);
    return store;
  };
  testTransactions(() => opened(schemaOf([FIRST])));
  testWriters(() => opened(schemaOf([FIRST])));
  testSchemas(opened);
}

function put(store: Store, name: string, value: number) {
  return store.write((t) => t.run('INSERT INTO numbers (name, value) VALUES (?, ?)', [name, value]));
}

/** All rows, or the error. */
async function all(store: Store) {
  const rows = await store.read((t) => t.rows('SELECT name, value FROM numbers ORDER BY name'));
  return rows.ok ? rows.value.map(({ name, value }) => [name, value]) : rows.error;
}

function testTransactions(opened: () => Store): void {
  test('keeps what was written for the next program', async () => {
    const store = opened();
    expect(await put(store, 'a', Date.UTC(2100))).toEqual({ ok: true, value: 1 });
    await store.close();
    expect(await all(opened())).toEqual([['a', Date.UTC(2100)]]);
  });

  test('writes nothing of a transaction that throws', async () => {
    const store = opened();
    const write = store.write(async (t) => {
      await t.run("INSERT INTO numbers (name, value) VALUES ('a', 1)");
      throw new Error('a bug');
    });
    await expect(write).rejects.toThrow('a bug');
    expect(await all(store)).toEqual([]);
    expect(await put(store, 'b', 1)).toMatchObject({ ok: true });
  });

  test('takes values as values', async () => {
    const store = opened();
    const name = "'; DROP TABLE numbers; --";
    await put(store, name, 1);
    expect(await all(store)).toEqual([[name, 1]]);
    const now = await store.read((t) => t.now());
    expect(now.ok && Math.abs(now.value - Date.now()) < 3_600_000).toBe(true);
  });
}

function testWriters(opened: () => Store): void {
  test('lets one writer at a time count', async () => {
    const [one, two] = [opened(), opened()];
    await put(one, 'count', 0);
    const increase = (store: Store) =>
      store.write(async (t) => {
        const [row] = await t.rows("SELECT value FROM numbers WHERE name = 'count'");
        await t.run("UPDATE numbers SET value = ? WHERE name = 'count'", [Number(row?.['value']) + 1]);
      });
    const results = await Promise.all(Array.from({ length: 40 }, (_, index) => increase(index % 2 === 0 ? one : two)));
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(await all(one)).toEqual([['count', 40]]);
  });

  test('reads one state of the data', async () => {
    const [one, two] = [opened(), opened()];
    await put(one, 'a', 1);
    const seen = await one.read(async (t) => {
      const before = await t.rows('SELECT value FROM numbers');
      await put(two, 'b', 2);
      return [before.length, (await t.rows('SELECT value FROM numbers')).length];
    });
    expect(seen).toEqual({ ok: true, value: [1, 1] });
    expect(await all(one)).toHaveLength(2);
  });
}

function testSchemas(opened: Open): void {
  test('applies each change of the schema once, also if programs start at the same time', async () => {
    await Promise.all([1, 2, 3].map(() => all(opened(schemaOf([FIRST])))));
    const both = await Promise.all([1, 2, 3].map(() => all(opened(schemaOf([FIRST, SECOND])))));
    expect(both).toEqual(Array.from({ length: 3 }, () => [['second', 2]]));
  });

  test('applies all of a change or nothing', async () => {
    const broken = opened(schemaOf([FIRST, ["INSERT INTO numbers (name, value) VALUES ('third', 3)", 'NOT SQL']]));
    const failed = await all(broken).catch((error: unknown) => String(error));
    expect(String(failed)).toMatch(/syntax error/);
    expect(await all(opened(schemaOf([FIRST])))).toEqual([]);
  });

  test('refuses the schema of a later release', async () => {
    await all(opened(schemaOf([FIRST, SECOND])));
    const refused = await all(opened(schemaOf([FIRST])));
    expect(refused).toMatch(/has schema 2 of a later release, and this release knows schemas up to 1: start the later release/);
  });
}
