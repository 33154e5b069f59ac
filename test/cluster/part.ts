// One real program of a test cluster as a child process: it logs to a file, can be paused, and ends with its parent.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../support/until.ts';

const TAIL_LINES = 25;
/** Less frequent garbage collection in Go saves a tenth of the CPU time of a cluster's start. */
const GO_MEMORY = { GOGC: '400', GOMEMLIMIT: '2GiB' };

export class Part {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #gone: Promise<unknown>;

  /** Starts a binary. Its output goes to NAME.log in the folder. */
  constructor(binary: string, args: readonly string[], folder: string, name = path.basename(binary)) {
    this.name = name;
    this.#logFile = path.join(folder, `${this.name}.log`);
    const log = openSync(this.#logFile, 'a');
    // The kernel ends the part with its parent, even if that is killed. setpriv executes the binary, so the pid is that of the part.
    const env = { ...process.env, ...GO_MEMORY };
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', binary, ...args], { stdio: ['ignore', log, log], env });
    closeSync(log);
    this.#gone = once(this.#process, 'close');
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Throws with the end of its log if the part has ended by itself. */
  assertRunning(): void {
    if (this.#process.exitCode === null && this.#process.signalCode === null) return;
    throw new Error(`${this.name} ended with ${this.#process.exitCode ?? this.#process.signalCode}:\n${this.tail()}`);
  }

  /** The last lines of its log. */
  tail(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  /** Stops its threads: connections stay open without answers, as in a partition. Resolves when every thread is stopped. */
  async pause(): Promise<void> {
    this.#process.kill('SIGSTOP');
    await until(() => this.#threadStates().every((state) => state === 'T'), `the standstill of ${this.name}`);
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  /** Ends it, and resolves after its end. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#process.kill(signal);
    await this.#gone;
  }

  #threadStates(): string[] {
    const folder = `/proc/${this.pid}/task`;
    return readdirSync(folder).map((thread) => {
      const stat = readFileSync(path.join(folder, thread, 'stat'), 'utf8');
      return stat.charAt(stat.lastIndexOf(')') + 2);
    });
  }
}
