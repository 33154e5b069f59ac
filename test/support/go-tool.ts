// Go tools of tests, built once per version or content: programs of published modules, and small ones of this repository.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { toolFolder } from '../cluster/tools.ts';

export interface GoTool {
  readonly name: string;
  /** The folder of its binaries after the build. */
  readonly folder: string;
  /** Lists of arguments for `go`, run in order in the build folder. */
  readonly commands: readonly (readonly string[])[];
  /** The folder that is copied there first; null for none. */
  readonly source: string | null;
  /** More of the environment, such as the target. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Programs of a published module. `version` without the `v`. */
export function moduleTool(name: string, version: string, packages: readonly string[]): GoTool {
  const install = ['install', ...packages.map((program) => `${program}@v${version}`)];
  return { name, folder: toolFolder(name, version), commands: [install], source: null };
}

/** A module of this repository: a folder with `go.mod` and Go files, perhaps with modules below it. By default one binary with the name of the tool. */
export function sourceTool(name: string, source: string, commands?: GoTool['commands']): GoTool {
  const hash = createHash('sha256').update(JSON.stringify(commands ?? ''));
  for (const file of filesIn(source)) hash.update(readFileSync(path.join(source, file)));
  const folder = toolFolder(name, hash.digest('hex').slice(0, 12));
  return { name, folder, commands: commands ?? [['build', '-buildvcs=false', '-o', name, '.']], source };
}

function filesIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).sort();
}

/** Builds the tool unless it exists; throws on failure. Builds under another name first, so that an incomplete build is never used. */
export function buildGoTool({ name, folder, commands, source, env: more = {} }: GoTool): void {
  if (existsSync(folder)) return;
  const partial = `${folder}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  if (source !== null) cpSync(source, partial, { recursive: true });
  const env = { ...process.env, GOBIN: partial, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', ...more };
  for (const command of commands) {
    const { status, stderr } = spawnSync('go', command, { cwd: partial, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} could not be built: ${stderr}`);
  }
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}
