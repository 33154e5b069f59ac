// Dry runs one after the other on a thread (`effect-worker.ts`), which starts with the first one, keeps what it has compiled for the next
// ones, and ends after a while without one.
import os from 'node:os';
import { AddressRanges } from '#lib/address-ranges.ts';
import type { Result } from '#lib/result.ts';
import type { CompilerOptions } from '../../controller/compile/compile.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { Asked, Compiled, Comparison, EffectThreadData, Side } from './effect-thread.ts';
import { EffectWorker, WorkerEnd, type EffectContent } from './effect-worker.ts';

const MIB = 1_048_576;
const RETRY_SECONDS = 5;

/** Bounds of dry runs. */
export interface EffectLimits {
  /** Of the heap of the thread, MiB. */
  readonly memoryMiB: number;
  /** The longest time of one compilation, milliseconds. */
  readonly taskMs: number;
  /** Dry runs that run or wait. */
  readonly runs: number;
  /** How long a thread without a dry run keeps its memory, milliseconds. */
  readonly idleMs: number;
}

/** Half of the memory of the container, since the rest of the program must stay alive. */
const MEMORY_MIB = Math.floor(Math.min(process.constrainedMemory() || Infinity, os.totalmem()) / 2 / MIB);
export const EFFECT_LIMITS: EffectLimits = {
  memoryMiB: Math.min(Math.max(MEMORY_MIB, 256), 1_024),
  taskMs: 60_000,
  runs: 16,
  idleMs: 60_000,
};

/** One dry run: both sides are compiled, the side `before` first, then compared. */
export interface EffectRun {
  compile(side: Side, content: EffectContent): Promise<Compiled>;
  /** Compiles the side `before`, unless it was compiled last from the same `version`. */
  compileVersion(version: object, content: EffectContent): Promise<void>;
  /** The effects of going from one side to the other. */
  compare(asked?: Partial<Asked>): Promise<Comparison>;
}

/** The answer of one dry run, or its refusal. */
export type EffectResult<T> = Promise<Result<T, AdminProblem>>;

export class EffectCompiler {
  readonly #data: EffectThreadData;
  readonly #limits: EffectLimits;
  #worker: EffectWorker | null = null;
  /** The version of the side `before` that the worker has compiled. */
  #version: object | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #runs = 0;
  #idle: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor({ allowedEndpoints = AddressRanges.of([]), ...options }: CompilerOptions, limits: Partial<EffectLimits> = {}) {
    this.#data = { options, allowedEndpoints: allowedEndpoints.packed };
    this.#limits = { ...EFFECT_LIMITS, ...limits };
  }

  /** Whether a thread has memory. */
  get isStarted(): boolean {
    return this.#worker?.isAlive === true;
  }

  /** Runs one dry run after those before it. Too many that wait, and a thread that ends at a limit, are refusals. */
  async run<T>(work: (run: EffectRun) => EffectResult<T>): EffectResult<T> {
    if (this.#runs >= this.#limits.runs)
      return refuse(503, 'compiler-busy', `${this.#runs} dry runs wait already; try again later`, { retryAfter: RETRY_SECONDS });
    this.#runs++;
    const result = this.#turn.then(() => this.#run(work));
    this.#turn = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      this.#runs--;
    }
  }

  /** Ends the thread, and refuses the dry runs that run or wait. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#idle !== null) clearTimeout(this.#idle);
    await this.#worker?.end('the program stops');
    await this.#turn;
  }

  async #run<T>(work: (run: EffectRun) => EffectResult<T>): EffectResult<T> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    try {
      return await work({
        compile: (side, content) => this.#compile(side, content),
        compileVersion: (version, content) => this.#compileVersion(version, content),
        compare: ({ requests = null, kinds = [] } = {}) => this.#started('after').compare({ requests, kinds }),
      });
    } catch (error) {
      if (error instanceof WorkerEnd) return refuse(503, 'compiler-ended', `the dry run has no result: ${error.message}`);
      throw error;
    } finally {
      if (!this.#isClosed) this.#idle = setTimeout(() => void this.#worker?.end('it was idle'), this.#limits.idleMs).unref();
    }
  }

  #compile(side: Side, content: EffectContent): Promise<Compiled> {
    const worker = this.#started(side);
    if (side === 'before') this.#version = null;
    return worker.compile(side, content);
  }

  async #compileVersion(version: object, content: EffectContent): Promise<void> {
    if (this.isStarted && this.#version === version) return;
    await this.#compile('before', content);
    this.#version = version;
  }

  /** The worker; a new one only for the first side, since another would not know it. */
  #started(side: Side): EffectWorker {
    if (this.#isClosed) throw new WorkerEnd('the program stops');
    if (this.#worker === null || (side === 'before' && !this.#worker.isAlive))
      this.#worker = new EffectWorker(this.#data, this.#limits.memoryMiB, this.#limits.taskMs);
    return this.#worker;
  }
}
