// One version of a plugin: in a thread at first, and on the event loop once its calls have proved to be short.
import type { PluginIsolateOptions } from './plugin-isolate.ts';
import { LoopIsolate, seesHeadsOnly } from './loop-isolate.ts';
import type { Hook } from './message.ts';
import { PluginIsolate } from './plugin-isolate.ts';

/** Short calls in a row before a plugin moves to the event loop; ten times as many after each move back. */
const PROBATION = 200;
const MAX_PROBATION = 2_000_000;

export interface PluginVersionOptions extends Omit<PluginIsolateOptions, 'engine' | 'probation' | 'quick'> {
  /** The plugin moves between its thread and the event loop. */
  readonly moved: (to: 'loop' | 'thread', reason: string) => void;
}

export class PluginVersion {
  readonly #options: PluginVersionOptions;
  #thread: PluginIsolate;
  #loop: LoopIsolate | null = null;
  /** Once they are known they stay. */
  #hooks: ReadonlySet<Hook> | null = null;
  /** See `hasFollowers`; null: the hooks are not known yet. */
  #hasFollowers: boolean | null = null;
  #probation = PROBATION;
  #engine: WebAssembly.Module | null = null;
  #isClosed = false;

  constructor(options: PluginVersionOptions) {
    this.#options = options;
    this.#thread = this.#startThread();
  }

  get source(): Uint8Array {
    return this.#options.source;
  }

  /** Null: not known yet. */
  get hooks(): ReadonlySet<Hook> | null {
    return this.#hooks ?? this.#thread.hooks;
  }

  /** Whether calls of an exchange may follow others, with values that they share. */
  get hasFollowers(): boolean {
    if (this.#hasFollowers !== null) return this.#hasFollowers;
    const { hooks } = this;
    if (hooks === null) return true;
    const hasChunks = hooks.has('onRequestChunk') || hooks.has('onResponseChunk');
    return (this.#hasFollowers = hasChunks || hooks.size > 1 || this.#options.language === 'wasm');
  }

  get thread(): PluginIsolate {
    this.#leaveSpentLoop();
    return this.#thread;
  }

  /** The plugin on the event loop, or null. */
  get loop(): LoopIsolate | null {
    this.#leaveSpentLoop();
    return this.#loop;
  }

  /** Where it runs, and why it does not; ''. */
  get state(): { readonly place: 'loop' | 'thread' | 'starting' | 'stopped'; readonly reason: string } {
    if (this.#loop !== null && this.#loop.over === null) return { place: 'loop', reason: '' };
    const { hooks, pauseReason } = this.#thread;
    if (pauseReason !== null) return { place: 'stopped', reason: pauseReason };
    return { place: hooks === null ? 'starting' : 'thread', reason: '' };
  }

  /** Resolves to null when the hooks are known, or to the reason why the module cannot be used. */
  ready(): Promise<string | null> {
    return this.#hooks === null ? this.#thread.ready() : Promise.resolve(null);
  }

  /** Ends the thread after the exchanges under way. */
  close(): void {
    this.#isClosed = true;
    this.#thread.close();
  }

  /** Exchanges go on in a thread when the event loop is no place for the plugin any more. */
  #leaveSpentLoop(): void {
    const reason = this.#loop?.over ?? null;
    if (reason === null) return;
    this.#loop = null;
    this.#probation = Math.min(MAX_PROBATION, this.#probation * 10);
    this.#thread = this.#startThread();
    if (this.#isClosed) this.#thread.close();
    this.#options.moved('thread', reason);
  }

  #startThread(): PluginIsolate {
    return new PluginIsolate({
      ...this.#options,
      ...{ engine: this.#engine, probation: this.#probation },
      quick: (engine, thread) => void this.#enterLoop(engine, thread),
    });
  }

  async #enterLoop(engine: WebAssembly.Module, thread: PluginIsolate): Promise<void> {
    this.#engine = engine;
    if (thread !== this.#thread || thread.hooks === null || !seesHeadsOnly(thread.hooks)) return;
    const { source, language, config, memory, timeout, asked } = this.#options;
    const opened = await LoopIsolate.open(engine, { source, language, config, memory, timeout, asked });
    if (!opened.ok || this.#isClosed || thread !== this.#thread) return;
    this.#loop = opened.value;
    this.#hooks = thread.hooks;
    thread.close();
    this.#options.moved('loop', '');
  }
}
