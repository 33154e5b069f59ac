import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ERRORS } from './errors.ts';

const DOCUMENT = path.resolve(import.meta.dirname, '../../docs/reference/errors.md');

describe('errors', () => {
  test('are documented completely and with the same words', () => {
    const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `(\w+)`\s*\| (\d+)\s*\| (\w+)\s*\| (.*?)\s*\| .+ \|$/gm);
    const documented = [...rows].map(([, code, status, source, title]) => ({ code, status: Number(status), source, title }));
    expect(documented).toEqual(Object.values(ERRORS).map(({ code, status, source, title }) => ({ code, status, source, title })));
  });

  test('have unique codes', () => {
    const codes = Object.values(ERRORS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
