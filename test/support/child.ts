// Weir as a separate process, with its output read line by line.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const DEADLINE_MS = 60_000;

/** A finished command. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `weir`. */
export class Child {
  readonly #process: ChildProcess;
  readonly #exit: Promise<unknown>;
  #output = '';
  #grown = Promise.withResolvers<void>();

  /** `root`: the folder of another release. */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, root = ROOT, program = path.join(root, 'cli', 'weir.ts')) {
    // The kernel kills it when the test ends, also when the test is killed.
    const command = ['--pdeathsig', 'KILL', process.execPath, program, ...args];
    // Many run at the same time, and the admin API has one port by default.
    const all = { WEIR_ADMIN_API_ADDRESS: 'off', ...process.env, ...env };
    this.#process = spawn('setpriv', command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: all });
    this.#exit = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream?.on('data', (chunk: Buffer) => this.#append(chunk));
  }

  /** Standard output and standard error so far, in order of arrival. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Resolves once the output, from `from` on, matches. Rejects at a deadline, and when the process ends before. */
  async printed(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const found = pattern.exec(this.#output.slice(from));
      if (found !== null) return found;
      if (this.#process.exitCode !== null) throw new Error(`weir ended with ${this.#process.exitCode}:\n${this.#output}`);
      if (deadline.aborted) throw new Error(`${pattern} was not printed:\n${this.#output}`);
      await Promise.race([this.#grown.promise, this.#exit, once(deadline, 'abort')]);
    }
  }

  /** Kills one of its workers. */
  killWorker(): void {
    const { stdout } = spawnSync('pgrep', ['-P', String(this.pid), '-f', 'worker-main'], { encoding: 'utf8' });
    const [worker] = stdout.split('\n').filter(Boolean);
    if (worker === undefined) throw new Error('weir has no worker');
    process.kill(Number(worker), 'SIGKILL');
  }

  /** Sends a signal and resolves to the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#process.kill(signal);
    await this.#exit;
    return this.#process.exitCode;
  }

  #append(chunk: Buffer): void {
    this.#output += chunk.toString();
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
  }
}

/** Runs `weir` to its end. */
export async function runWeir(args: readonly string[]): Promise<Finished> {
  const child = spawn(process.execPath, [path.join(ROOT, 'cli', 'weir.ts'), ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}
