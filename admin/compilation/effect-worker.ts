// A thread that compiles (`effect-thread.ts`), from its start to its end, and what it has been told.
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { refOf, type KubernetesObject } from '#api/k8s/object.ts';
import type { SourceProblem } from '../../controller/watch/event.ts';
import type { Unreadable } from './compilation.ts';
import type { Asked, Compiled, Comparison, EffectAnswer, EffectTask, EffectThreadData, Side } from './effect-thread.ts';

const THREAD = new URL('./effect-thread.ts', import.meta.url);
/** Objects that are handed over in one turn of the event loop. */
const TURN = 100;
/** Of objects that live for one compilation, MiB. */
const YOUNG_MIB = 16;

/** A content to compile. */
export interface EffectContent {
  /** By id. */
  readonly objects: ReadonlyMap<string, KubernetesObject>;
  /** Those of its files. */
  readonly problems: readonly SourceProblem[];
  /** Null: all objects have content. */
  readonly unreadable: Unreadable | null;
  /** The compiler may not use what it remembers. */
  readonly forget: boolean;
}

/** The thread ended before its answer, at a limit or because the program stops. */
export class WorkerEnd extends Error {}

export class EffectWorker {
  readonly #thread: Worker;
  readonly #taskMs: number;
  #task: PromiseWithResolvers<EffectAnswer> | null = null;
  /** Why the thread has ended: a WorkerEnd, or the error of a bug. */
  #end: Error | null = null;
  /** The objects that the thread has, by id. */
  #objects: ReadonlyMap<string, KubernetesObject> = new Map();

  /** `memoryMiB`: of its heap. `taskMs`: of one answer. */
  constructor(data: EffectThreadData, memoryMiB: number, taskMs: number) {
    this.#taskMs = taskMs;
    const resourceLimits = { maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: YOUNG_MIB };
    this.#thread = new Worker(THREAD, { workerData: data, env: {}, resourceLimits });
    // An idle thread does not keep the program alive.
    this.#thread.unref();
    this.#thread.on('message', (answer: EffectAnswer) => this.#task?.resolve(answer));
    this.#thread.on('error', (error: NodeJS.ErrnoException) => {
      const isLimit = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#ended(isLimit ? new WorkerEnd(`the configuration needs more than ${memoryMiB} MiB to compile`) : error);
    });
    this.#thread.on('exit', () => this.#ended(new WorkerEnd('the thread has ended')));
  }

  get isAlive(): boolean {
    return this.#end === null;
  }

  async compile(side: Side, { objects, problems, unreadable, forget }: EffectContent): Promise<Compiled> {
    await this.#handOver(objects);
    return (await this.#ask({ type: 'compile', side, problems, unreadable, forget })) as Compiled;
  }

  async compare(asked: Asked): Promise<Comparison> {
    return (await this.#ask({ type: 'compare', asked })) as Comparison;
  }

  /** Ends the thread; a task that it has rejects with the reason. */
  async end(reason: string): Promise<void> {
    this.#ended(new WorkerEnd(reason));
    await this.#thread.terminate();
  }

  /** Tells the thread which objects differ from those that it has. */
  async #handOver(objects: ReadonlyMap<string, KubernetesObject>): Promise<void> {
    const put = [...objects].flatMap(([id, object]) => (this.#objects.get(id) === object ? [] : [object]));
    const gone = [...this.#objects].flatMap(([id, object]) => (objects.has(id) ? [] : [refOf(object)]));
    this.#objects = objects;
    if (gone.length > 0) this.#thread.postMessage({ type: 'objects', put: [], gone } satisfies EffectTask);
    for (let i = 0; i < put.length; i += TURN) {
      this.#thread.postMessage({ type: 'objects', put: put.slice(i, i + TURN), gone: [] } satisfies EffectTask);
      await setImmediate();
    }
  }

  async #ask(task: EffectTask): Promise<EffectAnswer> {
    if (this.#end !== null) throw this.#end;
    this.#task = Promise.withResolvers();
    const late = `the configuration takes more than ${this.#taskMs / 1_000} s to compile`;
    const timer = setTimeout(() => void this.end(late), this.#taskMs);
    this.#thread.ref();
    this.#thread.postMessage(task);
    try {
      return await this.#task.promise;
    } finally {
      clearTimeout(timer);
      this.#task = null;
      this.#thread.unref();
    }
  }

  /** The first reason counts. */
  #ended(end: Error): void {
    this.#end ??= end;
    this.#task?.reject(this.#end);
  }
}
