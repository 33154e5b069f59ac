// The state of a module that host functions read and change.
import type { WasmSettings } from '../../exchange/plugins.ts';
import type { FromPlugin } from '../message.ts';
import type { IsolateOptions } from '../isolate.ts';
import { GuestMemory } from './guest-memory.ts';
import type { HeaderMap } from './header-map.ts';
import { ModuleMetrics } from './module-metrics.ts';
import { SharedStore } from './shared-store.ts';
import type { Half, StreamContext } from './stream-context.ts';

/** The context of the module itself. */
export const ROOT = 1;
/** Messages of one call to the proxy besides its result and metrics. */
const MAX_MESSAGES = 64;
/** Characters of a line of the log. */
const MAX_LINE = 1_024;

/** Levels of the ABI, from 0 on, as those of the log. */
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'error'] as const;

export interface ModuleOptions extends IsolateOptions {
  readonly settings: WasmSettings;
  /** The name of the plugin in logs and metrics. */
  readonly name: string;
  readonly backends: readonly string[];
}

/** What a callback is about, besides a stream: the answer to a call. */
export interface Received {
  readonly headers: HeaderMap | null;
  readonly trailers: HeaderMap | null;
  readonly body: Buffer;
  readonly isGrpc: boolean;
  readonly status: number;
  readonly message: string;
}

const NOTHING: Received = { headers: null, trailers: null, body: Buffer.alloc(0), isGrpc: false, status: 0, message: '' };

/** What the isolate does for host functions. */
export interface ModuleEvents {
  /** The module continued a paused stream, answered it, or closed it. */
  resumed(context: StreamContext, half: Half): void;
  /** The module does not need a context any more. */
  done(context: StreamContext): void;
  /** A queue has another item. */
  queued(queue: number): void;
  /** Milliseconds between two ticks; 0: none. */
  setTick(period: number): void;
}

export class ModuleState {
  readonly memory = new GuestMemory();
  readonly options: ModuleOptions;
  readonly events: ModuleEvents;
  readonly store = new SharedStore();
  readonly metrics = new ModuleMetrics();
  readonly streams = new Map<number, StreamContext>();
  /** The context that host functions are about. */
  effective = ROOT;
  received: Received = NOTHING;
  /** What the buffer of the configuration has now. */
  configuration: Buffer | null = null;
  #messages = 0;
  readonly #told = new Set<string>();

  constructor(options: ModuleOptions, events: ModuleEvents) {
    this.options = options;
    this.events = events;
  }

  /** The stream of the effective context; null: it is the root. */
  get stream(): StreamContext | null {
    return this.streams.get(this.effective) ?? null;
  }

  /** A callback begins. */
  begin(context: number): void {
    this.effective = context;
    this.received = NOTHING;
    this.#messages = 0;
  }

  /** False: this call has sent too many. */
  send(message: FromPlugin, bytes: Uint8Array | null = null): boolean {
    if (++this.#messages > MAX_MESSAGES) return false;
    this.options.send([JSON.stringify(message), bytes]);
    return true;
  }

  /** Writes a line at a level of the ABI, unless it is below that of the policy. */
  log(level: number, text: string): void {
    const name = LEVELS[level];
    if (name === undefined || level < this.options.settings.logLevel) return;
    this.send({ type: 'log', level: name, message: text.slice(0, MAX_LINE) });
  }

  /** Tells the owner of the module, once, that it asked for what does not exist. */
  tellUnsupported(name: string): void {
    if (this.#told.has(name) || this.#told.size >= MAX_MESSAGES) return;
    this.#told.add(name);
    this.send({ type: 'log', level: 'warn', message: `the module calls ${name}, which is not supported` });
  }
}
