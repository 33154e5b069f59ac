// Runs programs of the machine that set up nodes; throws their output on failure.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Folders of the machine's programs, independent of the environment. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs a program; resolves to its standard output. */
export async function run(program: string, args: readonly string[], stdin = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: SYSTEM_PATH } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

/** Commands of `ip`, one a line. */
export function ip(lines: readonly string[], namespace: string | null = null): Promise<string> {
  return run('ip', [...(namespace === null ? [] : ['-n', namespace]), '-batch', '-'], `${lines.join('\n')}\n`);
}
