// A shell in a temporary folder, as for a reader of a guide; `weir` is on its path.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
/** Some commands wait for Pods. */
const DEADLINE_MS = 150_000;

/** The outcome of a command; standard output and error together, as on a terminal. */
export interface Outcome {
  readonly code: number;
  readonly text: string;
}

/** A separate network namespace with loopback only, or that of the machine. */
export type Network = 'own' | 'shared';

export class Terminal {
  readonly folder: string;
  readonly #tools: string;
  readonly #shell: ChildProcess;
  #output = '';
  #commands = 0;

  private constructor(folder: string, tools: string, env: NodeJS.ProcessEnv, network: Network) {
    this.folder = folder;
    this.#tools = tools;
    const all = { ...process.env, ...env, PATH: `${tools}:${env['PATH'] ?? process.env['PATH'] ?? ''}` };
    // The kernel kills it when the test ends, also when the test is killed. All its processes are in its group.
    const command = ['--pdeathsig', 'KILL', ...(network === 'own' ? ['unshare', '--net'] : []), 'bash', '--noprofile', '--norc'];
    this.#shell = spawn('setpriv', command, { cwd: folder, env: all, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) stream?.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
  }

  /** `checkout`: names in this checkout that the folder has too. */
  static async open(env: NodeJS.ProcessEnv = {}, network: Network = 'own', checkout: readonly string[] = []): Promise<Terminal> {
    const base = await mkdtemp(path.join(tmpdir(), 'weir-guide-'));
    const [folder, tools] = [path.join(base, 'guide'), path.join(base, 'bin')];
    await Promise.all([mkdir(folder), mkdir(tools)]);
    for (const name of checkout) await symlink(path.join(ROOT, name), path.join(folder, name));
    const weir = path.join(tools, 'weir');
    await writeFile(weir, `#!/bin/sh\nexec '${process.execPath}' '${path.join(ROOT, 'cli', 'weir.ts')}' "$@"\n`);
    await chmod(weir, 0o755);
    const terminal = new Terminal(folder, tools, env, network);
    const { code, text } = await terminal.run(network === 'own' ? 'ip link set lo up' : 'true');
    if (code !== 0) throw new Error(text);
    return terminal;
  }

  /** Saves a file in the folder. */
  async save(name: string, text: string): Promise<void> {
    await writeFile(path.join(this.folder, name), text);
  }

  /** Runs a command to its end. */
  async run(command: string): Promise<Outcome> {
    const end = `--- command ${++this.#commands} ended: `;
    this.#output = '';
    // The shell alone reads the input of the test.
    this.#shell.stdin?.write(`{ ${command}\n} < /dev/null 2>&1\necho "${end}$?"\n`);
    // Not `.`, which a carriage return would end, as in headers of HTTP.
    const found = await this.#until(() => new RegExp(`^((?:[^\\n]*\\n)*?)([^\\n]*)${end}(\\d+)\\n`).exec(this.#output), command);
    return { code: Number(found[3]), text: withoutReturns(`${found[1] ?? ''}${found[2] === '' ? '' : `${found[2] ?? ''}\n`}`) };
  }

  /** Starts a command that does not end; resolves once its output matches. */
  async leaveRunning(command: string, pattern: RegExp, patience = DEADLINE_MS): Promise<void> {
    const file = path.join(this.#tools, `output-${++this.#commands}`);
    await writeFile(file, '');
    await this.run(`{ ${command}\n} > '${file}' 2>&1 &`);
    const deadline = performance.now() + patience;
    for (;;) {
      const text = withoutReturns(await readFile(file, 'utf8'));
      if (pattern.test(text)) return;
      if (performance.now() > deadline) throw new Error(`$ ${command}\nprinted\n${text}`);
    }
  }

  /** Ends everything that was started, and removes the folder. */
  async close(): Promise<void> {
    if (this.#shell.pid !== undefined && this.#shell.exitCode === null) {
      const gone = once(this.#shell, 'close');
      process.kill(-this.#shell.pid, 'SIGKILL');
      await gone;
    }
    await rm(path.dirname(this.folder), { recursive: true, force: true });
  }

  async #until(find: () => RegExpExecArray | null, command: string): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const found = find();
      if (found !== null) return found;
      if (deadline.aborted || this.#shell.exitCode !== null) throw new Error(`$ ${command}\ndid not end:\n${this.#output}`);
      await Promise.race([once(this.#shell.stdout as NodeJS.ReadableStream, 'data'), once(deadline, 'abort')]);
    }
  }
}

function withoutReturns(text: string): string {
  return text.replaceAll('\r\n', '\n');
}
