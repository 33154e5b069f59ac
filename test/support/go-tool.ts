// Tools that tests build from Go, once per version or content: programs of published modules, and small ones of our own.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { toolFolder } from '../cluster/tools.ts';

export interface GoTool {
  readonly name: string;
  /** Where its binaries are once it is built. */
  readonly folder: string;
  /** Arguments of `go`, run where it is built one after the other. */
  readonly commands: readonly (readonly string[])[];
  /** What is copied there first; null: nothing. */
  readonly source: string | null;
}

/** Programs of a published module. `version` as Go has it, without the `v`. */
export function moduleTool(name: string, version: string, packages: readonly string[]): GoTool {
  const install = ['install', ...packages.map((program) => `${program}@v${version}`)];
  return { name, folder: toolFolder(name, version), commands: [install], source: null };
}

/** A module of ours: a folder with `go.mod` and Go files. Unless `commands` say otherwise it is one binary, called like the tool. */
export function sourceTool(name: string, source: string, commands?: GoTool['commands']): GoTool {
  const hash = createHash('sha256').update(JSON.stringify(commands ?? ''));
  for (const file of readdirSync(source).sort()) hash.update(readFileSync(path.join(source, file)));
  const folder = toolFolder(name, hash.digest('hex').slice(0, 12));
  return { name, folder, commands: commands ?? [['build', '-buildvcs=false', '-o', name, '.']], source };
}

/** Builds it unless it is there; throws when that fails. Under another name first, so that half of it is never taken for it. */
export function buildGoTool({ name, folder, commands, source }: GoTool): void {
  if (existsSync(folder)) return;
  const partial = `${folder}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  if (source !== null) cpSync(source, partial, { recursive: true });
  const env = { ...process.env, GOBIN: partial, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' };
  for (const command of commands) {
    const { status, stderr } = spawnSync('go', command, { cwd: partial, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} could not be built: ${stderr}`);
  }
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}
