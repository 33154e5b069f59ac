// docs/reference/attacks.md names tests: they exist.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { filesBelow } from '../support/imports.ts';

const PAGE = path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'attacks.md');

/** The paths of a cell; a name without a folder is in the folder of the one before it. */
function pathsOf(cell: string): readonly string[] {
  let folder = '';
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => {
    if (name.includes('/')) folder = path.dirname(name);
    return name.includes('/') ? name : `${folder}/${name}`;
  });
}

test('every test that the page names exists', () => {
  const tests = ['api', 'controller', 'lib', 'proxy', 'test'].flatMap(filesBelow).filter((file) => /\.test\.ts$/.test(file));
  const named = [...readFileSync(PAGE, 'utf8').matchAll(/^\|.*\| (`.*`) \|$/gm)].flatMap(([, cell = '']) => pathsOf(cell));
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => !tests.some((file) => file.startsWith(`${name}.`) || file.startsWith(`${name}/`)))).toEqual([]);
});
