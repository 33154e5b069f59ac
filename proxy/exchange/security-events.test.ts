import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { SECURITY_EVENTS } from './security-events.ts';

const LINES = { each: 'each', route: 'one per route', source: 'one per source' };

test('the reference lists the events with their lines and meanings', () => {
  const page = readFileSync(new URL('../../docs/reference/security-events.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([a-z ]+) \| (.+) \|$/gm)].map(([, name, lines, meaning]) => [name, lines, meaning]);
  expect(rows).toEqual(Object.entries(SECURITY_EVENTS).map(([name, { lines, meaning }]) => [name, LINES[lines], meaning]));
});
