// The site of the documentation, built as `npm run docs` builds it. Its packages are installed once for each lock file.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const DOCS = path.join(ROOT, 'docs');
const STAMP = path.join(DOCS, 'node_modules', '.weir-lock');
const NODE_FOLDER = path.join(ROOT, 'node_modules', '.bin');
const LIMIT_MS = 120_000;

/** Builds the site into a folder. Throws with the output of a step that fails. */
export function buildSite(folder: string): void {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(DOCS, 'package-lock.json')))
    .digest('hex');
  if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== lock) {
    run('npm', ['ci', '--no-audit', '--no-fund'], {});
    writeFileSync(STAMP, lock);
  }
  run('npm', ['run', 'build'], { WEIR_DOCS_OUT: folder });
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
  const paths = [NODE_FOLDER, process.env['PATH'] ?? ''].join(path.delimiter);
  const options = { cwd: DOCS, encoding: 'utf8', timeout: LIMIT_MS, env: { ...process.env, PATH: paths, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}
