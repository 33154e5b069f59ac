// client/operations has the types of the OpenAPI document. `npm run client` writes them.
import { afterAll, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { documentOf } from '../../admin/api/document.ts';
import { clientFiles, type ClientDocument } from '../../client/generator/area-file.ts';
import { makeTestAreas } from '../support/admin-areas.ts';

const FOLDER = path.resolve(import.meta.dirname, '..', '..', 'client', 'operations');
const { areas, stop } = makeTestAreas();
const files = clientFiles(JSON.parse(documentOf(areas)) as ClientDocument);

if (process.env['UPDATE_GOLDEN'] === '1') {
  for (const name of readdirSync(FOLDER)) rmSync(path.join(FOLDER, name));
  for (const [name, text] of files) writeFileSync(path.join(FOLDER, name), text);
}
afterAll(stop);

test('there is a file for each area', () => {
  expect(readdirSync(FOLDER).toSorted()).toEqual([...files.keys()].toSorted());
});

test.each([...files])('%s has the current operations; `npm run client` writes it', (name, text) => {
  expect(readFileSync(path.join(FOLDER, name), 'utf8')).toBe(text);
});
