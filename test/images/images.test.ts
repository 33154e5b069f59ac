// The Dockerfiles copy all files that their programs need: runs each image's files in a separate folder. The images themselves are built
// only with a container engine.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

/** The last stage of a Dockerfile: its instructions as lists of words. */
function lastStage(text: string): string[][] {
  const lines = text.split('\n').filter((line) => /^[A-Z]+ /.test(line));
  return lines.slice(lines.findLastIndex((line) => line.startsWith('FROM '))).map((line) => line.split(/\s+/));
}

/** The files of the image, without packages, which come from this checkout. */
function unpack(instructions: readonly string[][], folder: string): void {
  for (const [name, ...words] of instructions) {
    if (name !== 'COPY' || words[0]?.startsWith('--from=') === true) continue;
    const [target = '', ...sources] = words.toReversed();
    const isFolder = target.endsWith('/');
    if (isFolder) mkdirSync(path.join(folder, target), { recursive: true });
    for (const source of sources) {
      const into = isFolder ? path.join(folder, target, path.basename(source)) : path.join(folder, target);
      cpSync(path.join(ROOT, source), into, { recursive: true });
    }
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
}

describe.each([
  ['controller', ['controller', 'admin', 'probe', 'version']],
  ['proxy', ['proxy', 'probe', 'version']],
])('Dockerfile.%s', (name, commands) => {
  const text = readFileSync(path.join(ROOT, `Dockerfile.${name}`), 'utf8');
  const instructions = lastStage(text);
  // Always in the same folder: Node caches compiled code by path.
  const folder = path.join(ROOT, '.cache', `image-${name}`);
  const weir = (...args: string[]) => spawnSync(process.execPath, [path.join(folder, 'cli', 'weir.ts'), ...args], { encoding: 'utf8' });

  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    unpack(instructions, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('has its command, and names it in the usage', () => {
    const { stdout, stderr, status } = weir('help');
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect([...stdout.matchAll(/^ {2}weir (\w+)/gm)].map((match) => match[1])).toEqual(commands);
    expect(weir(name, '--help').stdout).toContain('--log-level');
  });

  test('reports a command that it does not have', () => {
    const { stderr, status } = weir('validate', '.');
    expect({ stderr, status }).toEqual({ stderr: `weir: no command "validate"; the commands are: ${commands.join(', ')}\n`, status: 2 });
  });

  test('runs as nobody, its program as process 1', () => {
    const entrypoint = '["/weir/node_modules/node/bin/node", "--disable-sigusr1", "/weir/cli/weir.ts"]';
    expect(instructions).toContainEqual(['USER', '65532:65532']);
    expect(text).toContain(`\nENTRYPOINT ${entrypoint}\nCMD ["${name}"]\n`);
    expect(instructions[0]?.[1]).toContain(':nonroot');
  });
});
