// A plugin in QuickJS, which is compiled to WebAssembly: its memory is an array of bytes of its own, and it has no function but those that
// it is given here. A call ends at the limit of its time, whatever it does: the clock is in the loops of the engine.
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core';
import { err, ok, type Result } from '#lib/result.ts';
import type { Broken, Isolate, IsolateOptions } from '../isolate.ts';
import { HOOKS, LOAD_TIME, type Envelope, type Hook } from '../message.ts';
import { CallClock, Overrun } from './call-clock.ts';
import { newEngine, type Engine } from './engine.ts';
import { guestModule } from './guest-modules.ts';
import { QuickCalls } from './quick-calls.ts';

/** Of the stack in WebAssembly, which has 1 MiB. */
const MAX_STACK_BYTES = 256 * 1_024;
/** Messages that one call may cause besides results. */
const MAX_MESSAGES = 64;
/** Without memory not even the error can be made. */
const OUT_OF_MEMORY = /^\{"type":"failed".*(?:InternalError: out of memory|an exception that cannot be shown)/;
/** Messages of which those beyond the limit are dropped. */
const DROPPED = /^\{"type":"(?:log|metric)"/;
const RESULT = /^\{"type":"(?:done|failed)"/;
/** Characters of one message: a head, at most. */
const MAX_MESSAGE = 1_048_576;

/** The first module. */
const ENTRY = `
import { dispatch, stuckCalls } from 'weir:guest/calls.ts';
import { forget, savedState } from 'weir:guest/exchanges.ts';
import { load } from 'weir:guest/hooks.ts';
import { quickRequest, quickResponse } from 'weir:guest/quick.ts';
import plugin from 'weir:plugin';
globalThis.weirDispatch = dispatch;
globalThis.weirStuckCalls = stuckCalls;
Object.assign(globalThis, { weirForget: forget, weirSavedState: savedState, weirRequest: quickRequest, weirResponse: quickResponse });
globalThis.weirHooks = load(plugin, ${JSON.stringify(HOOKS)});
`;

export interface QuickJsOptions extends Omit<IsolateOptions, 'source'> {
  /** JavaScript. */
  readonly source: string;
  /** Processor time for the start of the module, milliseconds; `LOAD_TIME` by default. */
  readonly loadTime?: number;
  /** In place of the module that starts a plugin; for tests. */
  readonly entry?: string;
  /** Further modules that it may import; null: there is none of this name. */
  readonly module?: (name: string) => string | null;
}

export class QuickJsIsolate implements Isolate {
  readonly #engine: Engine;
  readonly #runtime: QuickJSRuntime;
  readonly #vm: QuickJSContext;
  readonly #options: QuickJsOptions;
  readonly #clock: CallClock;
  /** The call caused more messages than it may. */
  #isOverflown = false;
  /** An error of the call came of a lack of memory. */
  #isFull = false;
  #messages = 0;
  /** A call is not settled: it may wait for what never comes. */
  #mayBeStuck = false;
  #dispatch: QuickJSHandle | null = null;
  #stuck: QuickJSHandle | null = null;
  #saved: QuickJSHandle | null = null;
  #calls: QuickCalls | null = null;

  /** Starts an engine for one plugin. */
  static async prepare(module: WebAssembly.Module): Promise<(options: QuickJsOptions) => QuickJsIsolate> {
    const clock = new CallClock();
    const engine = await newEngine(module, () => clock.look());
    return (options) => new QuickJsIsolate(engine, clock, options);
  }

  private constructor(engine: Engine, clock: CallClock, options: QuickJsOptions) {
    this.#options = options;
    this.#engine = engine;
    this.#clock = clock;
    this.#runtime = engine.quickJs.newRuntime();
    this.#runtime.setMemoryLimit(options.memory);
    this.#runtime.setMaxStackSize(MAX_STACK_BYTES);
    this.#runtime.setInterruptHandler(() => this.#clock.isExpired);
    this.#runtime.setModuleLoader((name) => this.#module(name));
    this.#vm = this.#runtime.newContext();
  }

  get engine(): WebAssembly.Module {
    return this.#engine.module;
  }

  get looks(): number {
    return this.#clock.looks;
  }

  load(): Result<readonly Hook[]> {
    const { loadTime = LOAD_TIME } = this.#options;
    const loaded = this.#limited(loadTime, () => this.#load());
    return 'failure' in loaded ? err(loaded.reason) : loaded;
  }

  #load(): Result<readonly Hook[]> {
    this.#define('weirSend', (text, bytes) => this.#send(text, bytes));
    if (this.#options.entry !== undefined) this.#define('weirTestSend', (text) => this.#send(text, undefined));
    this.#define('weirEncode', (text) => this.#vm.newArrayBuffer(arrayOf(Buffer.from(this.#vm.getString(text)))));
    this.#define('weirDecode', (bytes) => this.#vm.newString(this.#bytes(bytes).toString()));
    this.#vm.newString(this.#options.config).consume((config) => this.#vm.setProp(this.#vm.global, 'weirConfig', config));
    const evaluated = this.#vm.evalCode(this.#options.entry ?? ENTRY, 'weir:entry', { type: 'module' });
    if (evaluated.error !== undefined) return err(this.#reasonOf(evaluated.error));
    const problem = this.#settled(evaluated.value) ?? this.#runJobs()?.reason ?? null;
    if (problem !== null) return err(problem);
    return this.#hooks();
  }

  dispatch(envelope: Envelope): Broken | null {
    return this.#limited(this.#options.callTime, () => this.#dispatched(envelope));
  }

  #dispatched([text, bytes]: Envelope): Broken | null {
    const vm = this.#vm;
    const argument = vm.newString(text);
    const buffer = bytes === null ? vm.undefined : vm.newArrayBuffer(arrayOf(bytes));
    const result = vm.callFunction(this.#dispatch as QuickJSHandle, vm.undefined, argument, buffer);
    argument.dispose();
    buffer.dispose();
    if (result.error !== undefined) return this.#broken(result.error);
    const answer = vm.getString(result.value);
    result.value.dispose();
    if (answer !== '') this.#deliver([answer, null]);
    else this.#mayBeStuck = true;
    return this.#runJobs() ?? this.#excess();
  }

  /** Runs a call without messages; see `guest/quick.ts`. */
  quick(call: (calls: QuickCalls) => string | null): string | Broken {
    return this.#limited(this.#options.callTime, () => this.#quick(call));
  }

  #quick(call: (calls: QuickCalls) => string | null): string | Broken {
    const result = call((this.#calls ??= new QuickCalls(this.#engine, this.#vm)));
    if (result !== null && result.startsWith('?')) this.#mayBeStuck = true;
    const jobs = this.#runtime.hasPendingJob() ? this.#runJobs() : null;
    return jobs ?? this.#excess() ?? result ?? { failure: 'memory', reason: 'the engine ended the call' };
  }

  /** Runs code of the plugin. What cuts it off leaves the engine in an unknown state. */
  #limited<T>(time: number, action: () => T): T | Broken {
    this.#clock.begin(time);
    this.#isOverflown = this.#isFull = false;
    this.#messages = 0;
    try {
      return action();
    } catch (cut) {
      if (cut instanceof Overrun) return this.#late();
      return { failure: 'failed', reason: cut instanceof Error ? `the engine failed: ${cut.message}` : 'the engine failed' };
    }
  }

  #late(): Broken {
    return { failure: 'timeout', reason: `it ran longer than ${this.#clock.time} ms` };
  }

  /** A plugin may catch the errors that end it, so what counts is that a limit was reached. */
  #excess(): Broken | null {
    if (this.#clock.isExpired) return this.#late();
    if (this.#isFull) return { failure: 'memory', reason: `it used more than ${this.#options.memory} bytes` };
    return this.#isOverflown ? { failure: 'failed', reason: `a call may ask ${MAX_MESSAGES} things at most` } : null;
  }

  stuckCalls(): readonly number[] {
    if (!this.#mayBeStuck) return [];
    this.#mayBeStuck = false;
    const calls = JSON.parse(this.#textOf(this.#stuck, []) ?? '[]') as unknown[];
    return calls.filter((call) => typeof call === 'number');
  }

  /** The values that the hooks of an exchange share, as JSON; null: there are none, or they are none of JSON. */
  savedState(exchange: number): string | null {
    const text = this.#textOf(this.#saved, [exchange]);
    return text === '' ? null : text;
  }

  /** Calls a function around the plugin that returns a text. All of it has a limit of its own: that of the call before may be over. */
  #textOf(handle: QuickJSHandle | null, values: readonly number[]): string | null {
    const text = this.#limited(this.#options.callTime, () => {
      const made = values.map((value) => this.#vm.newNumber(value));
      const result = this.#vm.callFunction(handle as QuickJSHandle, this.#vm.undefined, ...made);
      for (const value of made) value.dispose();
      return result.error === undefined ? result.value.consume((value) => this.#vm.getString(value)) : null;
    });
    return typeof text === 'string' ? text : null;
  }

  #module(name: string): string | { error: Error } {
    if (name === 'weir:plugin') return this.#options.source;
    const other = guestModule(name) ?? this.#options.module?.(name) ?? null;
    if (other !== null) return other;
    return { error: new Error(`a plugin can import @weir/sdk only, not ${name.slice(0, 100)}`) };
  }

  #define(name: string, implementation: (...values: QuickJSHandle[]) => QuickJSHandle | void): void {
    this.#vm.newFunction(name, implementation).consume((made) => this.#vm.setProp(this.#vm.global, name, made));
  }

  #send(text: QuickJSHandle, bytes: QuickJSHandle | undefined): void {
    const message = this.#vm.getString(text);
    if (!this.#admits(message)) return;
    if (message.length > MAX_MESSAGE) throw new Error(`a message may have ${MAX_MESSAGE} characters at most`);
    const hasBytes = bytes !== undefined && this.#vm.typeof(bytes) === 'object';
    this.#deliver([message, hasBytes ? new Uint8Array(this.#bytes(bytes)) : null]);
  }

  #admits(message: string): boolean {
    if (RESULT.test(message) || ++this.#messages <= MAX_MESSAGES) return true;
    this.#isOverflown ||= !DROPPED.test(message);
    return false;
  }

  #deliver(envelope: Envelope): void {
    this.#isFull ||= OUT_OF_MEMORY.test(envelope[0]);
    this.#options.send(envelope);
  }

  /** A copy of an ArrayBuffer. */
  #bytes(handle: QuickJSHandle): Buffer {
    return this.#vm.getArrayBuffer(handle).consume(({ value }) => Buffer.from(value));
  }

  /** Runs what promises wait for. */
  #runJobs(): Broken | null {
    const result = this.#runtime.executePendingJobs();
    if (result.error !== undefined) return this.#broken(result.error);
    result.dispose();
    return null;
  }

  /** Null: the module has ended. The handle is its namespace or a promise of it. */
  #settled(handle: QuickJSHandle): string | null {
    const jobs = this.#runJobs();
    if (jobs !== null) return jobs.reason;
    const state = this.#vm.getPromiseState(handle);
    if (state.type === 'pending') return 'the module waits at its top level for something that never comes';
    return state.type === 'rejected' ? this.#reasonOf(state.error) : null;
  }

  #hooks(): Result<readonly Hook[]> {
    const hooks = this.#vm.getProp(this.#vm.global, 'weirHooks').consume((handle) => this.#vm.getString(handle));
    this.#dispatch = this.#vm.getProp(this.#vm.global, 'weirDispatch');
    this.#stuck = this.#vm.getProp(this.#vm.global, 'weirStuckCalls');
    this.#saved = this.#vm.getProp(this.#vm.global, 'weirSavedState');
    const names: unknown = JSON.parse(hooks);
    return ok(HOOKS.filter((hook) => Array.isArray(names) && names.includes(hook)));
  }

  #broken(error: QuickJSHandle): Broken {
    const reason = this.#reasonOf(error);
    if (this.#clock.isExpired) return this.#late();
    return { failure: reason.includes('out of memory') || reason === '' ? 'memory' : 'failed', reason };
  }

  /** The name and message of an error; its getters do not run. */
  #reasonOf(error: QuickJSHandle): string {
    if (this.#clock.isExpired) return this.#late().reason;
    return error.consume((handle) => {
      const text = (name: string): string =>
        this.#vm.getProp(handle, name).consume((value) => (this.#vm.typeof(value) === 'string' ? this.#vm.getString(value) : ''));
      try {
        return this.#vm.typeof(handle) === 'object' ? `${text('name')}: ${text('message')}`.slice(0, 500) : 'a value that is no error';
      } catch {
        return 'an exception that cannot be shown';
      }
    });
  }
}

function arrayOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
