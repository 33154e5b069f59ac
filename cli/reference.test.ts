// docs/reference and `--help` agree, since both come from the tables of flags.
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { flagsOf, variableOf } from '#lib/flags.ts';
import { loadAll } from './commands.ts';
import { helpOf, spellingOf, usageOf } from './help.ts';
import { withFlags } from './reference.ts';

const FOLDER = path.resolve(import.meta.dirname, '..', 'docs', 'reference');
const PAGES = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));
const COMMANDS = await loadAll();
const pageOf = (name: string) => readFileSync(path.join(FOLDER, name), 'utf8');

test.each(PAGES)('docs/reference/%s contains the current flags; `npm run reference` writes them', (name) => {
  expect(pageOf(name)).toBe(withFlags(pageOf(name), COMMANDS));
});

describe.each(COMMANDS.map((command) => [command.name, command] as const))('weir %s', (name, command) => {
  const flags = Object.entries(flagsOf(command.flags));

  test('has a section with its usage', () => {
    expect(pageOf('cli.md')).toContain(`\n## weir ${name}\n`);
    expect(pageOf('cli.md')).toContain(`\n    ${usageOf(command)}\n`);
  });

  test('has every flag in the reference', () => {
    const all = PAGES.map(pageOf).join('\n');
    for (const [flag, table] of flags) expect(all).toContain(`\`${spellingOf(flag, table).replaceAll('|', '\\|')}\``);
  });

  test('has every flag in its help, with default, unit and variable', () => {
    const lines = helpOf(command).split('\n');
    for (const [flag, table] of flags) {
      const line = lines.indexOf(`  ${spellingOf(flag, table)}`);
      expect(line).toBeGreaterThan(0);
      if (table.value !== '' && table.default !== '') expect(lines[line + 1]).toContain(`Default: ${table.default}.`);
      if (command.readsEnvironment) expect(lines[line + 1]).toContain(`Environment: ${variableOf(flag)}.`);
    }
    const hasTimes = flags.some(([, { value }]) => value === 'TIME');
    expect(lines.some((line) => line.startsWith('TIME is a duration'))).toBe(hasTimes);
  });
});
