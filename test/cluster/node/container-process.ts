// One run of a container, as a process of the node. Process 1 of the container is its grandchild.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { containerCommand, execCommand, STARTED } from './container-root.ts';
import type { RootOptions } from './container-root.ts';
import type { Command } from './environment.ts';
import { Output } from './output.ts';

/** How a run ended. */
export interface Exit {
  readonly exitCode: number;
  readonly signal: number | null;
  /** Whether the container's program ran, or a step before it failed. */
  readonly began: boolean;
}

/** The end of another program in the container; `output`: both streams. */
export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
}

const OUTPUT_LIMIT = 10 * 1024;

export class ContainerProcess {
  /** Resolves once the container's own program has taken over, or can no longer. */
  readonly started: Promise<boolean>;
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #root: RootOptions;
  readonly #env: Readonly<Record<string, string>>;
  #began = false;

  private constructor(network: string, root: RootOptions, command: Command, output: Output) {
    this.#root = root;
    this.#env = command.env;
    mkdirSync(root.folder, { recursive: true });
    const [program = '', ...args] = containerCommand(network, root, command.words);
    this.#child = spawn(`/usr/bin/${program}`, args, { stdio: ['ignore', ...output.writers, 'pipe'], env: command.env, cwd: '/' });
    output.handOver();
    this.exit = Promise.all([once(this.#child, 'close'), output.ended]).then(() => this.#exit());
    this.started = Promise.race([this.#took(this.#child.stdio[3] as Readable), this.exit.then(() => this.#began)]);
  }

  /** Starts it in a network namespace. Its output goes to the log. */
  static async start(network: string, root: RootOptions, command: Command, logFile: string): Promise<ContainerProcess> {
    const output = await Output.open(`${root.folder}.output`, logFile);
    return new ContainerProcess(network, root, command, output);
  }

  /** Sends a signal to process 1. Signals without a handler have no effect, except SIGKILL. */
  kill(signal: NodeJS.Signals): void {
    const pid = this.#processOne();
    if (pid === null) this.#child.kill('SIGKILL');
    else process.kill(pid, signal);
  }

  /** Runs a program in the container, with its environment and rights. */
  async exec(words: readonly string[], signal: AbortSignal): Promise<ExecResult> {
    const pid = this.#processOne();
    if (pid === null) return { exitCode: 1, output: 'the container does not run' };
    const [program = '', ...args] = execCommand(pid, this.#root, words);
    const child = spawn(`/usr/bin/${program}`, args, { stdio: ['ignore', 'pipe', 'pipe'], env: this.#env, cwd: '/', detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(0, OUTPUT_LIMIT)));
    }
    // The whole group: programs in the container are children of the process that entered it.
    const end = () => process.kill(-(child.pid ?? 0), 'SIGKILL');
    signal.addEventListener('abort', end);
    await once(child, 'exit');
    signal.removeEventListener('abort', end);
    return { exitCode: child.exitCode ?? 128 + signalNumber(child.signalCode), output };
  }

  async #took(pipe: Readable): Promise<boolean> {
    for await (const chunk of pipe) if (String(chunk).includes(STARTED)) return (this.#began = true);
    return false;
  }

  #exit(): Exit {
    const { exitCode, signalCode } = this.#child;
    const signal = signalCode === null ? null : signalNumber(signalCode);
    return { exitCode: exitCode ?? 128 + (signal ?? 0), signal, began: this.#began };
  }

  /** Null before the start and after the end. */
  #processOne(): number | null {
    const pid = this.#child.pid;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return null;
    try {
      const [first = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
      return first === '' ? null : Number(first);
    } catch {
      return null;
    }
  }
}

function signalNumber(name: NodeJS.Signals | null): number {
  return name === null ? 0 : os.constants.signals[name];
}
