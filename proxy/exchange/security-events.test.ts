import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { filesBelow } from '../../test/support/imports.ts';
import { SECURITY_EVENTS } from './security-events.ts';

const LINES = { each: 'each', route: 'one per route', source: 'one per source' };

test('the reference lists the events with their lines and meanings', () => {
  const page = readFileSync(new URL('../../docs/reference/security-events.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([a-z ]+) \| (.+) \|$/gm)].map(([, name, lines, meaning]) => [name, lines, meaning]);
  expect(rows).toEqual(Object.entries(SECURITY_EVENTS).map(([name, { lines, meaning }]) => [name, LINES[lines], meaning]));
});

test('every event is told somewhere', () => {
  const sources = filesBelow('proxy').filter((file) => !/\.test\.ts$|security-events\.ts$|exchange\/errors\.ts$/.test(file));
  const text = sources.map((file) => readFileSync(file, 'utf8')).join('\n');
  expect(Object.keys(SECURITY_EVENTS).filter((name) => !text.includes(`'${name}'`))).toEqual([]);
});
