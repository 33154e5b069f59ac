// docs/reference/access-log.md agrees with the code on fields, formats and refused headers.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CREDENTIAL_HEADERS, LOG_FIELDS } from './fields.ts';
import type { LogField } from './fields.ts';
import { NAMED_TEMPLATES, parseFormat } from './format.ts';

const DOCUMENT = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'access-log.md'), 'utf8');
const LINES = { request: 'R', stream: 'S', both: 'R S' };

function row({ name, scope, type, unit, byDefault, example, text }: LogField): string {
  const meaning = text.replaceAll(/<[^ ]*>[^ .;:,]*/g, (shape) => `\`${shape}\``);
  return `| \`${name}\` | ${LINES[scope]} | ${type} | ${unit} | ${byDefault ? 'yes' : ''} | \`${example}\` | ${meaning} |`;
}

test('the page documents every field, in order, and no others', () => {
  const rows = DOCUMENT.split('\n').filter((line) => /^\| `\w+` \| [RS]/.test(line));
  expect(rows).toEqual(LOG_FIELDS.map(row));
});

test('the page documents the refused headers', () => {
  const [, list = ''] = /credentials are refused: (.*)\./.exec(DOCUMENT) ?? [];
  expect(list).toBe(CREDENTIAL_HEADERS.map((name) => `\`${name}\``).join(', '));
});

test('the page documents the named formats', () => {
  for (const [name, template] of Object.entries(NAMED_TEMPLATES)) expect(DOCUMENT).toContain(`| \`${name}\` | \`${template}\` |`);
});

test('every template and field on the page is valid', () => {
  const named = [...DOCUMENT.matchAll(/%\{([a-z][\w.-]+)\}/g)].map(([, name]) => name as string);
  expect(named.length).toBeGreaterThan(10);
  for (const name of named) expect(parseFormat(`%{${name}}`, '')).toMatchObject({ ok: true });
});

test('field names are unique', () => {
  expect(new Set(LOG_FIELDS.map(({ name }) => name)).size).toBe(LOG_FIELDS.length);
});
