// The messages between a plugin in its isolate and the proxy. A head is a text in JSON, bytes are beside it.
import type { PluginHook, PluginLanguage, WasmSettings } from '../exchange/plugins.ts';

/** Processor time for the start of a module, milliseconds. */
export const LOAD_TIME = 1_000;
/** The same for WebAssembly: the runtime of its language starts with it. */
export const WASM_LOAD_TIME = 5_000;

/** The hooks of a plugin in JavaScript. */
export const HOOKS = ['onRequest', 'onRequestBody', 'onRequestChunk', 'onResponse', 'onResponseBody', 'onResponseChunk'] as const;
export type ScriptHook = (typeof HOOKS)[number];
/** Those of any plugin. */
export type Hook = PluginHook;

/** The values of an exchange besides its heads, by the names of properties. For WebAssembly only. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The head of a request, as a plugin gets it. */
export interface RequestHead {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly client: string;
  readonly principal: string | null;
  readonly path: string;
  readonly query: string;
  /** A flat list of names and values. */
  readonly headers: readonly string[];
}

/** The head of an answer. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly string[];
}

/** Calls a hook. */
export interface CallMessage {
  readonly type: 'call';
  readonly call: number;
  /** The number of the exchange: its hooks share a state. */
  readonly exchange: number;
  readonly hook: Hook;
  /** Absent: the plugin has it from an earlier hook of the exchange. */
  readonly request?: RequestHead;
  readonly response?: ResponseHead;
  /** Chunks only. */
  readonly isLast?: boolean;
  /** Trailers only. */
  readonly trailers?: readonly string[];
  /** Heads only: a body follows. */
  readonly hasBody?: boolean;
  /** Those that the plugin does not have yet. */
  readonly attributes?: Attributes;
  /** Other hooks of the exchange may follow: its state stays until `end`. */
  readonly keep: boolean;
  /** The values that its hooks share, from another isolate. */
  readonly state?: Readonly<Record<string, unknown>>;
}

/** To the plugin. The bytes of a body are beside it. */
export type ToPlugin =
  | CallMessage
  | { readonly type: 'end'; readonly exchange: number; readonly attributes?: Attributes }
  | {
      readonly type: 'answer';
      readonly op: number;
      readonly status: number;
      readonly headers: readonly string[];
      readonly trailers?: readonly string[];
    }
  | { readonly type: 'refused'; readonly op: number; readonly reason: string }
  | { readonly type: 'counted'; readonly op: number; readonly value: number };

/** What a hook changes. */
export interface Changes {
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly query?: string;
  readonly status?: number;
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
  /** The bytes beside the message are the body of this answer. */
  readonly reply?: Reply;
  /** The bytes beside the message take the place of the body. */
  readonly replaces?: boolean;
  /** In place of those that the hook got. */
  readonly trailers?: readonly string[];
}

/** An answer in place of that of the backend. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly string[];
  /** For calls; absent: that of the status. */
  readonly grpcStatus?: number;
}

/** From the plugin. Everything in it is untrusted. */
export type FromPlugin =
  | { readonly type: 'done'; readonly call: number; readonly changes: Changes | null }
  | { readonly type: 'failed'; readonly call: number; readonly reason: string }
  | {
      readonly type: 'ask';
      readonly op: number;
      readonly backend: string;
      readonly method: string;
      readonly path: string;
      readonly headers: readonly string[];
      /** Milliseconds, if that is less than the policy allows. */
      readonly timeout?: number;
      /** It is a gRPC call, and the bytes beside it are its message. */
      readonly isGrpc?: boolean;
    }
  | { readonly type: 'count'; readonly op: number; readonly name: string; readonly by: number }
  | { readonly type: 'log'; readonly level: PluginLogLevel; readonly message: string }
  | { readonly type: 'metric'; readonly name: string; readonly by: number }
  | { readonly type: 'gauge'; readonly name: string; readonly value: number }
  | { readonly type: 'observed'; readonly name: string; readonly values: readonly number[] };

/** The levels of lines of plugins. */
export const PLUGIN_LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type PluginLogLevel = (typeof PLUGIN_LOG_LEVELS)[number];

/** A message with the bytes beside it. */
export type Envelope = readonly [text: string, bytes: Uint8Array | null];

/** Why a call ended without a result. */
export type CallFailure = 'failed' | 'timeout' | 'memory' | 'lost';

/** From the thread, besides envelopes of the plugin. */
export type FromThread =
  | { readonly type: 'ready'; readonly hooks: readonly Hook[] }
  | { readonly type: 'unusable'; readonly reason: string }
  | { readonly type: 'messages'; readonly envelopes: readonly Envelope[] }
  /** The calls are short: the plugin may run on the event loop, with this engine. */
  | { readonly type: 'quick'; readonly engine: WebAssembly.Module }
  /** The isolate was replaced: calls up to this one are lost, and `call` failed for the reason. */
  | { readonly type: 'replaced'; readonly call: number; readonly failure: CallFailure; readonly reason: string };

/** The start of a thread. */
export interface ThreadData {
  /** The engine, if another thread has compiled it. */
  readonly engine: WebAssembly.Module | null;
  /** Calls in a row that must be short before the plugin is called quick. */
  readonly probation: number;
  readonly source: Uint8Array;
  readonly language: PluginLanguage;
  /** The name of the plugin in its policy. */
  readonly name: string;
  /** JSON; for WebAssembly any text. */
  readonly config: string;
  /** The names of the backends that it may ask. */
  readonly backends: readonly string[];
  /** Null: it is no WebAssembly. */
  readonly wasm: WasmSettings | null;
  /** Processor time of one call, milliseconds. */
  readonly callTime: number;
  /** Bytes. */
  readonly memory: number;
  /** Two numbers: when the isolate began to run (milliseconds; 0: it does not run), and the last call that it took. */
  readonly watch: SharedArrayBuffer;
}
