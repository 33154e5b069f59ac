// Runs docs/guides/troubleshooting.md as written, and holds it to the errors that there are.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ERRORS } from '../../proxy/exchange/errors.ts';
import { describeGuide } from '../support/guide.ts';

const PAGE = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'guides', 'troubleshooting.md'), 'utf8');

describeGuide('troubleshooting.md', ['curl']);

describe('the table of error codes', () => {
  const table = PAGE.slice(PAGE.indexOf('\n## Error codes'));

  test('has every code, and no other', () => {
    const codes = [...table.matchAll(/`([a-z_]+)`/g)].map((match) => match[1] as string);
    expect(codes.toSorted()).toEqual(
      Object.values(ERRORS)
        .map(({ code }) => code)
        .toSorted(),
    );
  });

  test('leads to a section that names the code', () => {
    for (const [, anchor, codes] of table.matchAll(/^\| \[.*\]\(#([a-z0-9-]+)\) \| (.*) \|$/gm)) {
      const section = PAGE.split(/^## /m).find((text) => text.split('\n', 1)[0]?.toLowerCase().replaceAll(' ', '-') === anchor) ?? '';
      for (const [code] of (codes ?? '').matchAll(/`[a-z_]+`/g))
        expect(section.includes(code.slice(1, -1)) ? '' : `${code} in ${anchor}`).toBe('');
    }
  });
});
