// The outcomes of probes: documented, and assigned to errors of sockets and parsers.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { failureOf, PROBE_FAULTS } from './outcome.ts';

test('docs/reference/health.md lists the same outcomes', () => {
  const page = readFileSync('docs/reference/health.md', 'utf8');
  const table = page.slice(page.indexOf('| Outcome |'), page.indexOf('## Ejection'));
  const listed = Array.from(table.matchAll(/^\| `([a-z_]+)` \|/gm), ([, name]) => name);
  expect(listed).toEqual(['passed', ...PROBE_FAULTS]);
});

test.each([
  ['ECONNRESET', 'closed'],
  ['UND_ERR_SOCKET', 'closed'],
  ['UND_ERR_HEADERS_OVERFLOW', 'too_large'],
  ['HPE_INVALID_CONSTANT', 'malformed'],
  ['ERR_HTTP2_ERROR', 'malformed'],
  ['EOTHER', 'closed'],
])('%s is %s', (code, fault) => {
  expect(failureOf(Object.assign(new Error('text'), { code }))).toEqual({ fault, detail: code });
});
