// One step of `npm test`: runs a program, prints its name before and its time after.
import { spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Steps in the background have a low priority. */
const NICE = ['nice', '-n', '10'];

/** Runs a program with its output on the terminal; resolves to whether it succeeded. */
export async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  console.log(titleOf(command, args));
  const started = performance.now();
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
  return told('', await codeOf(child), started);
}

/** Runs a program in parallel; prints its output when it has ended. */
export async function runBeside(command: string, args: readonly string[]): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await codeOf(child);
  return told(`${titleOf(command, args)}\n${output}`, code, started);
}

/** Like `runBeside`, with a low priority. */
export function runBehind(command: string, args: readonly string[]): Promise<boolean> {
  const [nice = '', ...flags] = NICE;
  return runBeside(nice, [...flags, command, ...args]);
}

function titleOf(command: string, args: readonly string[]): string {
  return `> ${path.relative(ROOT, command).startsWith('..') ? command : path.relative(ROOT, command)} ${args.join(' ')}`;
}

function told(before: string, code: number | null, started: number): boolean {
  console.log(`${before}  ${code === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return code === 0;
}

function codeOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve).once('error', (error) => (console.log(String(error)), resolve(null))));
}
