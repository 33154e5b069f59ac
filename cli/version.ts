// `weir version`: the versions of Weir and Node.js.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { caught, flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const FORMATS = ['text', 'json'] as const;
const FLAGS: readonly FlagGroup[] = [
  { title: '', flags: { format: { default: 'text', value: 'text|json', text: 'form of the output', words: FORMATS } } },
];

export const version: Command = {
  name: 'version',
  arguments: '',
  summary: 'Prints the version of Weir, its commit if known, and the version of Node.js.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const format = caught(() => new FlagValues(args, flagsOf(FLAGS), {}).word('format', FORMATS));
    if (!format.ok) throw new UsageError(format.error);
    const facts = { version: WEIR_VERSION, commit: commit(), node: process.version, platform: `${process.platform}-${process.arch}` };
    if (format.value === 'json') console.log(JSON.stringify(facts));
    else console.log(`weir ${facts.version}\ncommit ${facts.commit ?? 'unknown'}\nnode ${facts.node} (${facts.platform})`);
    return Promise.resolve(0);
  },
};

/** The commit from WEIR_COMMIT, which images set, or from git in a checkout; otherwise null. */
function commit(): string | null {
  const built = process.env['WEIR_COMMIT'] ?? '';
  if (built !== '') return built;
  if (!existsSync(path.join(ROOT, '.git'))) return null;
  try {
    return execFileSync('git', ['-C', ROOT, 'rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}
