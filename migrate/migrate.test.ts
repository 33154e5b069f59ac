// What realistic manifests of other gateways become, whole: the objects, and every note. `npm run golden` rewrites the files.
import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readOnce } from '../controller/watch/folder.ts';
import { findingsOf } from '../cli/validate.ts';
import { parseInput } from './input.ts';
import { yamlOf } from './manifest.ts';
import { migrate } from './migrate.ts';
import type { Migrated } from './migrate.ts';
import { describeNote } from './note.ts';
import { filesFor } from './testdata/surroundings.ts';

const TESTDATA = path.join(import.meta.dirname, 'testdata');
const CASES = readdirSync(TESTDATA).filter((name) => /^[a-z-]+\.yaml$/.test(name));
const ENTRY_POINTS = new Map([
  ['web', 80],
  ['websecure', 443],
  ['postgres', 5432],
  ['dns', 53],
]);

function migrated(name: string, allowOpen = false): Migrated {
  const input = parseInput(name, readFileSync(path.join(TESTDATA, name), 'utf8'));
  const gateway = { namespace: 'default', name: 'edge' };
  return migrate(input, { gateway, className: 'weir', entryPoints: ENTRY_POINTS, allowOpen });
}

function textOf({ manifests }: Migrated): string {
  return manifests.map(yamlOf).join('---\n');
}

function golden(name: string, text: string): void {
  const file = path.join(TESTDATA, name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

describe.each(CASES)('%s', (name) => {
  const base = name.slice(0, -'.yaml'.length);

  test('becomes these objects', () => golden(`${base}.golden.yaml`, textOf(migrated(name))));

  test('leaves these notes', () => {
    const { notes, others } = migrated(name);
    const kept = [...others].map(([kind, count]) => `kept: ${count} ${kind}`);
    golden(`${base}.notes.txt`, [...notes.map(describeNote), ...kept].join('\n') + '\n');
  });

  test.each([false, true])('passes weir validate (--allow-open: %s)', async (allowOpen) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-migrate-'));
    try {
      const result = migrated(name, allowOpen);
      writeFileSync(path.join(folder, 'migrated.yaml'), textOf(result));
      writeFileSync(path.join(folder, 'surroundings.yaml'), filesFor(result.manifests));
      const findings = findingsOf(await readOnce([folder]));
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Copies of a value in which one field, at any depth, is something else. */
function* disturbed(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const put = (other: unknown) => (Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other });
    for (const other of [null, 'x', 7, true, [], {}, [null], [{}]]) yield put(other);
    for (const other of disturbed(inner)) yield put(other);
  }
}

test.each(CASES)('%s: a field of any other form is no bug', (name) => {
  const { objects, notes } = parseInput(name, readFileSync(path.join(TESTDATA, name), 'utf8'));
  const options = { gateway: { namespace: 'default', name: 'edge' }, className: 'weir', entryPoints: ENTRY_POINTS, allowOpen: true };
  for (const [index, object] of objects.entries()) {
    for (const spec of disturbed(object.value['spec'])) {
      const odd = { ...object, value: { ...object.value, spec: spec as object } };
      expect(() => migrate({ objects: objects.with(index, odd), notes }, options)).not.toThrow();
    }
  }
});
