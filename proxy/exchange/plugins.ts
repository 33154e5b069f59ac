// Plugins of users as filters see them; implemented by plugin/.
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { DataHandle } from './object-data.ts';

/** The language of a module. The types of TypeScript are removed. */
export type PluginLanguage = 'javascript' | 'typescript';

/** What an author says about a plugin. */
export interface PluginSettings {
  /** `<Kind>/<namespace>/<name>` of its policy. */
  readonly policy: string;
  /** Its name in the policy. */
  readonly name: string;
  /** Its module, by the latest version. */
  readonly module: DataHandle;
  readonly language: PluginLanguage;
  /** JSON. */
  readonly config: string;
  /** Processor time of one call, milliseconds. */
  readonly callTime: number;
  /** The time of a call with its waits, milliseconds. */
  readonly timeout: number;
  /** Bytes. */
  readonly memory: number;
  /** The clusters that it may ask, by its names for them. */
  readonly backends: ReadonlyMap<string, string>;
}

/** What a hook did to an exchange, or why it failed. */
export type PluginOutcome =
  | { readonly type: 'passed' }
  /** Another body. */
  | { readonly type: 'replaced'; readonly body: Buffer }
  /** The answer is in the exchange. */
  | { readonly type: 'answered' }
  | { readonly type: 'failed'; readonly error: ExchangeError };

/** A hook that a plugin may have. */
export type PluginHook = 'onRequest' | 'onRequestBody' | 'onRequestChunk' | 'onResponse' | 'onResponseBody' | 'onResponseChunk';

/** A plugin in use. */
export interface RunningPlugin {
  /** Whether it has a hook; null: it is not known yet. */
  has(hook: PluginHook): boolean | null;
  /** Resolves once its hooks are known, or to the reason why it cannot be used. */
  ready(): Promise<ExchangeError | null>;
  /** Calls a hook for an exchange. `isLast`: for chunks. */
  call(hook: PluginHook, exchange: Exchange, body: Buffer | null, isLast: boolean): Promise<PluginOutcome>;
  /** The exchange is over. */
  ended(exchange: Exchange): void;
  /** Calls under way end, then its isolate does. */
  close(): void;
}

/** Starts plugins. */
export interface Plugins {
  start(settings: PluginSettings): RunningPlugin;
}
