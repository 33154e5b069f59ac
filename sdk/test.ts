// Unit tests of plugins: a file whose name ends with .test.ts beside the plugin. `weir plugin test` runs it in an isolate like that of the
// proxy. The functions are there, so this file has only their types.
import type { Plugin, PluginReply, PluginRequest, PluginResponse, PluginSubrequest } from './index.ts';

/** A request and the answer of its backend, and what a plugin has besides them. */
export interface Scenario<Config = unknown> {
  readonly config?: Config;
  readonly request?: {
    readonly method?: string;
    readonly host?: string;
    readonly path?: string;
    readonly query?: string;
    readonly client?: string;
    readonly principal?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  /** 200 with an empty body by default. */
  readonly response?: { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };
  /** The answers of the backends of the policy, by name. */
  readonly backends?: Readonly<Record<string, (request: PluginSubrequest) => { readonly status: number; readonly body?: string }>>;
}

/** What the hooks of a plugin did. */
export interface Played {
  /** As the backend gets it. */
  readonly request: PluginRequest;
  readonly requestBody: string;
  /** The answer of the plugin; null: the request went on. */
  readonly reply: PluginReply | null;
  /** As the client gets it, unless there is a reply. */
  readonly response: PluginResponse;
  readonly responseBody: string;
  readonly lines: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
}

/** A test. It fails if its function throws or rejects. */
export declare function test(name: string, run: () => void | Promise<void>): void;

/** Throws unless both are equal, with all that is in them. */
export declare function equal(actual: unknown, expected: unknown): void;

/** Runs all hooks of a plugin as the proxy does. Rejects if one of them fails. */
export declare function play<Config>(plugin: Plugin<Config>, scenario?: Scenario<Config>): Promise<Played>;
