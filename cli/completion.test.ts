// `weir completion SHELL`, tested in the shells.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { flagsOf } from '#lib/flags.ts';
import { describeWith } from '../test/support/describe-with.ts';
import { runWeir } from '../test/support/child.ts';
import { loadAll } from './commands.ts';
import { completion } from './completion.ts';

const COMMANDS = await loadAll();
const NAMES = [...COMMANDS.map(({ name }) => name), 'help'].sort();
const EXPECTED: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['weir ', NAMES],
  ['weir va', ['validate']],
  ['weir up --log-l', ['--log-level']],
  ['weir up --log-level ', ['debug', 'error', 'info', 'silent', 'trace', 'warn']],
  ['weir validate --format j', ['json']],
  ['weir controller --fleet ', ['PerGateway', 'Shared']],
  ['weir probe --w', ['--within']],
  ['weir completion ', ['bash', 'fish', 'zsh']],
  ['weir validate a-f', ['a-file.yaml']],
];

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-completion-'));
  writeFileSync(path.join(folder, 'a-file.yaml'), '');
  // One process: its start costs far more than a script.
  writeFileSync(path.join(folder, 'bash'), (await runWeir(['completion', 'bash'])).stdout);
  for (const shell of ['zsh', 'fish']) writeFileSync(path.join(folder, shell), await printed(shell));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function printed(shell: string): Promise<string> {
  const log = jest.spyOn(console, 'log').mockReturnValue();
  await completion.run([shell], () => Promise.resolve(COMMANDS));
  const text = `${log.mock.calls.flat().join('\n')}\n`;
  log.mockRestore();
  return text;
}

function run(program: string, ...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8', cwd: folder, env: { ...process.env, HOME: folder } });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout;
}

const sorted = (text: string) => [...new Set(text.split('\n').filter(Boolean))].sort();

describe('bash', () => {
  const complete = (line: string) => {
    const words = line.split(' ');
    const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`;
    return sorted(run('bash', '--noprofile', '--norc', '-c', `source ./bash; ${set}; _weir; printf '%s\\n' "\${COMPREPLY[@]}"`));
  };

  test.each(EXPECTED)('%j', (line, words) => {
    expect(complete(line)).toEqual(words);
  });

  test.each(COMMANDS.map((command) => [command.name, command] as const))('knows every flag of weir %s', (name, { flags }) => {
    const all = ['help', ...Object.keys(flagsOf(flags))].map((flag) => `--${flag}`).sort();
    expect(complete(`weir ${name} --`)).toEqual(all);
  });
});

describeWith(['fish'], 'fish', () => {
  test.each(EXPECTED)('%j', (line, words) => {
    const stdout = run('fish', '--no-config', '-c', `source ./fish; complete -C '${line}'`);
    // The word, a tab and its description.
    expect(sorted(stdout.replaceAll(/\t.*/g, ''))).toEqual(words);
  });
});

/** Types a line into an interactive zsh and returns the listed completions. */
const TYPE_INTO_ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT= ; autoload -Uz compinit; compinit -u -D; source ./zsh; LISTMAX=1000; zstyle ':completion:*' list-colors; setopt noautomenu; \\
  _all() { compstate[list]=list; compstate[insert]=; _main_complete; print -r -- \\$compstate[nmatches] }; zle -C all list-choices _all; bindkey '^X' all; print READY"
zpty -r shell line '*READY*READY*'
zpty -n -w shell "$1"$'\\x18'
zpty -r -m shell line "*$2*" && print found
`;

describeWith(['zsh'], 'zsh', () => {
  test('can read the script', () => {
    run('zsh', '-n', './zsh');
  });

  test.each([
    ['weir va', 'validate'],
    ['weir up --log-l', 'log-level'],
    ['weir up --log-level ', 'silent'],
    ['weir controller --fleet ', 'PerGateway'],
    ['weir completion ', 'fish'],
  ])('%j', (line, word) => {
    expect(run('zsh', '-f', '-c', TYPE_INTO_ZSH, 'zsh', line, word)).toContain('found');
  });
});
