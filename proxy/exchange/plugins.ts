// Plugins of users as filters see them; implemented by plugin/.
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Headers } from './headers.ts';
import type { DataHandle } from './object-data.ts';

/** The language of a module. The types of TypeScript are removed; WebAssembly is by the proxy-wasm ABI. */
export type PluginLanguage = 'javascript' | 'typescript' | 'wasm';

/** How a module gets a body: not at all, in pieces as they arrive, or whole. */
export type BodyMode = 'None' | 'Streamed' | 'Buffered';

/** What a policy says about a WebAssembly module besides. */
export interface WasmSettings {
  /** The name of its part of the module, for modules with several. */
  readonly rootId: string;
  readonly requestBody: BodyMode;
  readonly responseBody: BodyMode;
  /** The least level of its lines in the log, from 0 (trace) to 5 (critical). */
  readonly logLevel: number;
  /** SHA-256 of the entry, hexadecimal; '': any. */
  readonly sha256: string;
  /** Bytes of a body that it may hold. */
  readonly maxBodySize: number;
}

/** What an author says about a plugin. */
export interface PluginSettings {
  /** `<Kind>/<namespace>/<name>` of its policy. */
  readonly policy: string;
  /** Its name in the policy. */
  readonly name: string;
  /** Its module, by the latest version. */
  readonly module: DataHandle;
  readonly language: PluginLanguage;
  /** JSON; for WebAssembly any text. */
  readonly config: string;
  /** Processor time of one call, milliseconds. */
  readonly callTime: number;
  /** The time of a call with its waits, milliseconds. */
  readonly timeout: number;
  /** Bytes. */
  readonly memory: number;
  /** The clusters that it may ask, by its names for them. */
  readonly backends: ReadonlyMap<string, string>;
  /** Null: it is no WebAssembly. */
  readonly wasm: WasmSettings | null;
}

/** What a hook did to an exchange, or why it failed. */
export type PluginOutcome =
  /** `trailers`: other ones than those that it got. */
  | { readonly type: 'passed'; readonly trailers?: readonly string[] }
  /** Another body. */
  | { readonly type: 'replaced'; readonly body: Buffer; readonly trailers?: readonly string[] }
  /** The answer is in the exchange. */
  | { readonly type: 'answered' }
  /** Another answer than that of the backend; `error`: in place of it where its head is on its way, or its body. */
  | { readonly type: 'refused'; readonly answer: PluginAnswer; readonly error: ExchangeError }
  | { readonly type: 'failed'; readonly error: ExchangeError };

/** An answer of a plugin. */
export interface PluginAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** A hook that a plugin may have. */
export type PluginHook =
  | 'onRequest'
  | 'onRequestBody'
  | 'onRequestChunk'
  | 'onRequestTrailers'
  | 'onResponse'
  | 'onResponseBody'
  | 'onResponseChunk'
  | 'onResponseTrailers';

/** A plugin in use. */
export interface RunningPlugin {
  /** Whether it has a hook; null: it is not known yet. */
  has(hook: PluginHook): boolean | null;
  /** Resolves once its hooks are known, or to the reason why it cannot be used. */
  ready(): Promise<ExchangeError | null>;
  /** Calls a hook for an exchange. `isLast`: for chunks; `trailers`: for hooks of trailers. */
  call(
    hook: PluginHook,
    exchange: Exchange,
    body: Buffer | null,
    isLast: boolean,
    trailers?: Headers,
  ): PluginOutcome | Promise<PluginOutcome>;
  /** The exchange is over. */
  ended(exchange: Exchange): void;
  /** Calls under way end, then its isolate does. */
  close(): void;
}

/** Starts plugins. */
export interface Plugins {
  start(settings: PluginSettings): RunningPlugin;
}
