// Readers of one folder share what they have parsed, and nothing else.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FolderReader, type MergedContent } from './folder.ts';

const ID = 'GatewayClass/weir';
const TEXT =
  'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: example.com/a }\n';

let folder = '';
let file = '';
let peers: Set<FolderReader>;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-folder-'));
  file = path.join(folder, 'all.yaml');
  peers = new Set();
  put(TEXT, 100);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `age`: of the last change, seconds; another one for each change, so that each is seen. */
function put(text: string, age: number): void {
  writeFileSync(file, text);
  const time = Date.now() / 1_000 - age;
  utimesSync(file, time, time);
}

function reader(): FolderReader {
  return new FolderReader(folder, { settledMs: 0, peers });
}

function objectOf({ objects }: MergedContent): unknown {
  return objects.get(ID);
}

test('a file is parsed once, by the reader that comes first', async () => {
  const [first, second, alone] = [reader(), reader(), new FolderReader(folder)];
  const object = objectOf(await first.read());
  expect(object).toMatchObject({ spec: { controllerName: 'example.com/a' } });
  expect(objectOf(await second.read())).toBe(object);
  const own = objectOf(await alone.read());
  expect(own).toEqual(object);
  expect(own).not.toBe(object);
  put(TEXT.replace('/a', '/b'), 90);
  const changed = objectOf(await second.read());
  expect(changed).toMatchObject({ spec: { controllerName: 'example.com/b' } });
  expect(objectOf(await first.read())).toBe(changed);
});

test('objects that a reader keeps of a file that broke are not those of another', async () => {
  const first = reader();
  const object = objectOf(await first.read());
  put(': [', 80);
  const [kept, fresh] = [await first.read(), await reader().read()];
  expect(objectOf(kept)).toBe(object);
  expect(objectOf(fresh)).toBeUndefined();
  expect(fresh.problems).toMatchObject([{ severity: 'error', file }]);
});
