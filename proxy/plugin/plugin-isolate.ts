// One version of a plugin, as the proxy holds it: its thread, and the watch over the thread and the calls under way. After a crash the thread starts
// again, and calls that it had not begun go to the next one.
import { Worker } from 'node:worker_threads';
import { atTurnEnd, type Gatherer } from '#lib/turn-end.ts';
import { LOAD_TIME, WASM_LOAD_TIME } from './message.ts';
import type { CallFailure, CallMessage, Envelope, FromPlugin, FromThread, Hook, ThreadData, ToPlugin } from './message.ts';
import { monotonicTime } from './monotonic-time.ts';
import { OpenCalls } from './open-calls.ts';
import type { Outcome } from './outcome.ts';
import type { Task } from './plugin-thread.ts';
import { ProcessorWatch } from './processor-watch.ts';
import { Restarts } from './restarts.ts';
import { parseMessage } from './untrusted-message.ts';

/** A request of the plugin besides results of calls. */
export type Request = Exclude<FromPlugin, { readonly type: 'done' | 'failed' }>;

/** Takes the answers to what a plugin asks. */
export interface Answers {
  tell(message: Exclude<ToPlugin, CallMessage>, bytes: Uint8Array | null): void;
}

export interface PluginIsolateOptions extends Omit<ThreadData, 'watch'> {
  /** The time of a call with its waits, milliseconds. */
  readonly timeout: number;
  /** Of its start, milliseconds; absent: that of its language. */
  readonly loadTime?: number;
  /** The plugin asks for something. */
  readonly asked: (request: Request, bytes: Buffer | null, from: Answers) => void;
  /** The calls are short: the plugin may run on the event loop. */
  readonly quick: (engine: WebAssembly.Module, isolate: PluginIsolate) => void;
  /** The thread ended before its calls. */
  readonly crashed: (failure: CallFailure, reason: string) => void;
}

/** Between two looks at the thread, milliseconds. */
const LOOK = 250;
/** From the start of a thread until its module runs, on a machine that may be busy, milliseconds. */
const START_TIME = 60_000;
/** After its limit a call goes on for this long by the clock of a machine that may be busy, milliseconds. QuickJS ends its calls itself. */
const graceOf = (limit: number): number => 4 * limit + 2_000;
/** For the heap of the thread around the isolate. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

/** No thread runs until then, a moment of `performance.now`. */
interface Pause {
  readonly until: number;
  readonly failure: 'unusable' | 'paused';
  readonly reason: string;
}

export class PluginIsolate implements Gatherer, Answers {
  readonly #options: PluginIsolateOptions;
  readonly #calls = new OpenCalls();
  #worker: Worker | null = null;
  #watch = new Int32Array(new SharedArrayBuffer(8));
  #hooks: ReadonlySet<Hook> | null = null;
  #isReady = false;
  #startedAt = 0;
  /** The reason why the module cannot be used; null: it can, or that is not known yet. */
  #unusable: string | null = null;
  #tasks: Task[] = [];
  #timer: NodeJS.Timeout | null = null;
  readonly #processorWatch = new ProcessorWatch();
  #readers: (() => void)[] = [];
  #isClosing = false;
  readonly #restarts = new Restarts();
  /** The thread must not start before this time, and why; null: nothing is in the way. */
  #pause: Pause | null = null;
  #visitors = 0;
  /** Counts the isolates: state of an earlier one is gone. */
  generation = 0;

  constructor(options: PluginIsolateOptions) {
    this.#options = options;
    this.#start();
  }

  /** Null: not known yet. */
  get hooks(): ReadonlySet<Hook> | null {
    return this.#hooks;
  }

  /** Why no thread runs now; null: one does, or begins to. */
  get pauseReason(): string | null {
    return this.#pause?.reason ?? null;
  }

  /** Resolves to null when the hooks are known, or to the reason why the module cannot be used. */
  ready(): Promise<string | null> {
    if (this.#hooks !== null || this.#unusable !== null) return Promise.resolve(this.#hooks === null ? this.#unusable : null);
    return new Promise((resolve) => this.#readers.push(() => resolve(this.#hooks === null ? this.#unusable : null)));
  }

  /** Calls a hook. */
  call(message: Omit<CallMessage, 'type' | 'call'>, bytes: Uint8Array | null): Promise<Outcome> {
    const { fullness } = this.#calls;
    if (fullness !== null) return Promise.resolve({ ok: false, failure: 'busy', reason: fullness });
    const pause = this.#resume();
    if (pause !== null) return Promise.resolve({ ok: false, failure: pause.failure, reason: pause.reason });
    return new Promise((settle) => {
      const call = this.#calls.add(message, bytes, settle);
      this.#watchOver();
      if (this.#isReady) this.#push(this.#calls.taskOf(call));
    });
  }

  /** Sends what is no call. */
  tell(message: Exclude<ToPlugin, CallMessage>, bytes: Uint8Array | null): void {
    if (this.#isReady) this.#push([0, JSON.stringify(message), bytes]);
  }

  /** An exchange has its state here until `leave`. */
  enter(): void {
    this.#visitors++;
  }

  leave(): void {
    this.#visitors--;
    this.#endIfIdle();
  }

  /** Ends the thread after the calls and exchanges under way. */
  close(): void {
    this.#isClosing = true;
    this.#endIfIdle();
  }

  turnEnded(): void {
    if (this.#tasks.length === 0) return;
    this.#worker?.postMessage(this.#tasks);
    this.#tasks = [];
  }

  #push(task: Task): void {
    if (this.#tasks.push(task) === 1) atTurnEnd(this);
  }

  /** Starts the thread after a pause. Returns the pause while it lasts. */
  #resume(): Pause | null {
    if (this.#pause !== null && performance.now() >= this.#pause.until) this.#start();
    return this.#pause;
  }

  #start(): void {
    const { source, language, name, config, backends, wasm, callTime, memory, engine, probation } = this.#options;
    this.#unusable = this.#pause = null;
    this.generation++;
    this.#startedAt = performance.now();
    const watch = new SharedArrayBuffer(8);
    this.#watch = new Int32Array(watch);
    const data: ThreadData = { source, language, name, config, backends, wasm, callTime, memory, engine, probation, watch };
    const thread = new Worker(new URL('./plugin-thread.ts', import.meta.url), {
      workerData: data,
      env: {},
      execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning'],
      resourceLimits: RESOURCE_LIMITS,
    });
    this.#worker = thread;
    thread.on('message', (message: FromThread) => thread === this.#worker && this.#take(message));
    thread.on('error', (error) => this.#ended(thread, 'memory', error instanceof Error ? error.message : 'its thread failed'));
    thread.on('exit', () => this.#ended(thread, 'lost', 'its thread ended'));
    thread.unref();
    this.#watchOver();
  }

  #watchOver(): void {
    this.#timer ??= setInterval(() => this.#look(), LOOK).unref();
  }

  #take(message: FromThread): void {
    switch (message.type) {
      case 'ready':
        return this.#begin(message.hooks);
      case 'unusable':
        return this.#refuse(message.reason);
      case 'messages':
        for (const [text, bytes] of message.envelopes) this.#receive([text, bytes]);
        return this.#endIfIdle();
      case 'quick':
        return this.#options.quick(message.engine, this);
      case 'replaced':
        this.#calls.settle(message.call, { ok: false, failure: message.failure, reason: message.reason });
        return this.#restart(message.failure, message.reason);
    }
  }

  #begin(hooks: readonly Hook[]): void {
    this.#hooks = new Set(hooks);
    this.#isReady = true;
    this.#answerReaders();
    for (const call of this.#calls.numbers) this.#push(this.#calls.taskOf(call));
  }

  #refuse(reason: string): void {
    this.#unusable = reason;
    this.#drop();
    this.#wait(this.#restarts.refused(), 'unusable', reason);
    this.#answerReaders();
  }

  #answerReaders(): void {
    const readers = this.#readers;
    this.#readers = [];
    for (const read of readers) read();
  }

  #receive([text, bytes]: Envelope): void {
    const message = parseMessage(text);
    if (message === null) return;
    const buffer = bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (message.type === 'done') this.#calls.settle(message.call, { ok: true, changes: message.changes, bytes: buffer });
    else if (message.type === 'failed') this.#calls.settle(message.call, { ok: false, failure: 'failed', reason: message.reason });
    else this.#options.asked(message, buffer, this);
  }

  /** A thread has ended by itself. */
  #ended(thread: Worker, failure: CallFailure, reason: string): void {
    if (thread === this.#worker) this.#restart(failure, reason);
  }

  /** Calls that the thread had begun are lost with it. */
  #restart(failure: CallFailure, reason: string): void {
    const [begun, wasReady] = [Atomics.load(this.#watch, 1), this.#isReady];
    this.#drop();
    this.#options.crashed(failure, reason);
    this.#calls.failUpTo(begun, 'lost', 'the isolate ended for another call');
    if (!wasReady) return this.#refuse(reason);
    if (this.#isClosing && this.#calls.size === 0 && this.#visitors === 0) return;
    const pause = this.#restarts.crashed(performance.now());
    if (pause === 0) this.#start();
    else
      this.#wait(pause, 'paused', `it crashed several times, the last time because ${reason}; it starts again in ${Math.ceil(pause)} ms`);
  }

  /** Until then calls fail: they would wait for a plugin that may crash again. */
  #wait(pause: number, failure: 'unusable' | 'paused', reason: string): void {
    this.#pause = { until: performance.now() + pause, failure, reason };
    this.#calls.failUpTo(Infinity, failure, reason);
  }

  #drop(): void {
    const thread = this.#worker;
    this.#worker = null;
    this.#isReady = false;
    this.#tasks = [];
    this.#watch = new Int32Array(new SharedArrayBuffer(8));
    void thread?.terminate();
  }

  /** Ends calls whose time is over, and a thread that does not end its call itself. */
  #look(): void {
    if (this.#calls.size === 0 && (this.#isReady || this.#worker === null)) return this.#rest();
    const now = performance.now();
    if (this.#isReady) this.#calls.failLate(now, this.#options.timeout);
    else if (this.#worker !== null && now - this.#startedAt > START_TIME) return this.#end(`it did not start within ${START_TIME} ms`);
    const since = Atomics.load(this.#watch, 0);
    if (since !== 0 && this.#worker !== null) this.#lookAtRun(this.#worker, since);
  }

  #lookAtRun(thread: Worker, since: number): void {
    const limit = this.#isReady ? this.#options.callTime : this.#loadTime;
    if (monotonicTime() - since > graceOf(limit)) this.#end(`it ran longer than ${limit} ms in a function of the engine`);
    else if (this.#options.language === 'wasm') void this.#judge(thread, since, limit);
  }

  /** WebAssembly does not end its calls itself. */
  async #judge(thread: Worker, since: number, limit: number): Promise<void> {
    const isOver = await this.#processorWatch.exceeds(thread, since, limit);
    if (isOver && thread === this.#worker && Atomics.load(this.#watch, 0) === since) this.#end(`it ran longer than ${limit} ms`);
  }

  #end(reason: string): void {
    this.#calls.settle(Atomics.load(this.#watch, 1), { ok: false, failure: 'timeout', reason });
    this.#restart('timeout', reason);
  }

  get #loadTime(): number {
    const { language, loadTime = language === 'wasm' ? WASM_LOAD_TIME : LOAD_TIME } = this.#options;
    return loadTime;
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (!this.#isClosing || this.#calls.size > 0 || this.#visitors > 0) return;
    this.#drop();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
