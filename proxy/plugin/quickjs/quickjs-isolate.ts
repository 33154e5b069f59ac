// A plugin in QuickJS, which is compiled to WebAssembly: its memory is an array of bytes of the thread, and it has no function but those
// that it is given here. A call ends at the limit of its time, unless it is in a built-in function: then the thread ends (plugin-thread.ts).
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import quickJs from '@jitl/quickjs-wasmfile-release-sync';
import { err, ok, type Result } from '#lib/result.ts';
import type { Broken, Isolate, IsolateOptions } from '../isolate.ts';
import { HOOKS, LOAD_TIME, type Envelope, type Hook } from '../message.ts';
import { guestModule } from './guest-modules.ts';

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
import { load } from 'weir:guest/hooks.ts';
import plugin from 'weir:plugin';
globalThis.weirDispatch = dispatch;
globalThis.weirStuckCalls = stuckCalls;
globalThis.weirHooks = load(plugin, ${JSON.stringify(HOOKS)});
`;

/** The engine, once for a thread. The types of the package are those for CommonJS, where its export has another shape. */
export function loadEngine(): Promise<QuickJSWASMModule> {
  return newQuickJSWASMModuleFromVariant(quickJs as unknown as QuickJSSyncVariant);
}

export interface QuickJsOptions extends Omit<IsolateOptions, 'source'> {
  /** JavaScript. */
  readonly source: string;
  /** In place of the module that starts a plugin; for tests. */
  readonly entry?: string;
  /** Further modules that it may import; null: there is none of this name. */
  readonly module?: (name: string) => string | null;
}

export class QuickJsIsolate implements Isolate {
  readonly #runtime: QuickJSRuntime;
  readonly #vm: QuickJSContext;
  readonly #options: QuickJsOptions;
  /** Processor time at which the call ends, microseconds; -1: the clock does not run yet. */
  #deadline = -1;
  /** The time of the call, microseconds. */
  #time = 0;
  #isExpired = false;
  /** The call caused more messages than it may. */
  #isOverflown = false;
  /** An error of the call came of a lack of memory. */
  #isFull = false;
  #messages = 0;
  /** A call is not settled: it may wait for what never comes. */
  #mayBeStuck = false;
  #dispatch: QuickJSHandle | null = null;
  #stuck: QuickJSHandle | null = null;

  constructor(engine: QuickJSWASMModule, options: QuickJsOptions) {
    this.#options = options;
    this.#runtime = engine.newRuntime();
    this.#runtime.setMemoryLimit(options.memory);
    this.#runtime.setMaxStackSize(MAX_STACK_BYTES);
    this.#runtime.setInterruptHandler(() => this.#interrupts());
    this.#runtime.setModuleLoader((name) => this.#module(name));
    this.#vm = this.#runtime.newContext();
  }

  load(): Result<readonly Hook[]> {
    this.#begin(LOAD_TIME);
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

  dispatch([text, bytes]: Envelope): Broken | null {
    this.#begin(this.#options.callTime);
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

  /** A plugin may catch the errors that end it, so what counts is that a limit was reached. */
  #excess(): Broken | null {
    if (this.#isExpired) return { failure: 'timeout', reason: `it ran longer than ${this.#options.callTime} ms` };
    if (this.#isFull) return { failure: 'memory', reason: `it used more than ${this.#options.memory} bytes` };
    return this.#isOverflown ? { failure: 'failed', reason: `a call may ask ${MAX_MESSAGES} things at most` } : null;
  }

  stuckCalls(): readonly number[] {
    if (!this.#mayBeStuck) return [];
    this.#mayBeStuck = false;
    this.#begin(this.#options.callTime);
    const result = this.#vm.callFunction(this.#stuck as QuickJSHandle, this.#vm.undefined);
    if (result.error !== undefined) return [];
    const text = result.value.consume((value) => this.#vm.getString(value));
    return (JSON.parse(text) as unknown[]).filter((call) => typeof call === 'number');
  }

  #begin(time: number): void {
    this.#time = time * 1_000;
    this.#deadline = -1;
    this.#isExpired = false;
    this.#isOverflown = false;
    this.#isFull = false;
    this.#messages = 0;
  }

  /** The clock starts at the first look, which comes after some thousand operations: a short call reads no clock. */
  #interrupts(): boolean {
    if (this.#deadline < 0) this.#deadline = processorTime() + this.#time;
    this.#isExpired ||= processorTime() > this.#deadline;
    return this.#isExpired;
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
    const names: unknown = JSON.parse(hooks);
    return ok(HOOKS.filter((hook) => Array.isArray(names) && names.includes(hook)));
  }

  #broken(error: QuickJSHandle): Broken {
    const reason = this.#reasonOf(error);
    if (this.#isExpired) return { failure: 'timeout', reason: `it ran longer than ${this.#options.callTime} ms` };
    return { failure: reason.includes('out of memory') || reason === '' ? 'memory' : 'failed', reason };
  }

  /** The name and message of an error; its getters do not run. */
  #reasonOf(error: QuickJSHandle): string {
    if (this.#isExpired) return `it ran longer than ${LOAD_TIME} ms`;
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

/** Of this thread, microseconds: a busy machine takes nothing from the time of a plugin. */
function processorTime(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function arrayOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
