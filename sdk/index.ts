// The SDK of plugins: the types of what a plugin sees and may do. It has no code of its own, so that a plugin depends on nothing.

/** Names are in lower case. Names and values that HTTP does not allow are refused with a TypeError. */
export interface PluginHeaders {
  /** All values of a header, joined with ", ", or null. */
  get(name: string): string | null;
  /** All values, each by itself. */
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Replaces all values of a header. */
  set(name: string, value: string): void;
  /** Adds a value and keeps the others. */
  append(name: string, value: string): void;
  delete(name: string): void;
  /** Pairs of names and values in their order. */
  entries(): [string, string][];
}

/** The head of a request. After `onRequest` and `onRequestBody` it is on its way: changes are refused with a TypeError. */
export interface PluginRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** In lower case, without a port. */
  readonly host: string;
  /** The address of the client. */
  readonly client: string;
  /** The name of the authenticated caller, or null. */
  readonly principal: string | null;
  /** With a "/" at the start, without a query. */
  path: string;
  /** Without "?"; '' for none. */
  query: string;
  readonly headers: PluginHeaders;
}

/** The head of an answer. After `onResponse` and `onResponseBody` it is on its way: changes are refused with a TypeError. */
export interface PluginResponse {
  /** From 200 to 599. */
  status: number;
  readonly headers: PluginHeaders;
}

/** An answer in place of that of a backend. */
export interface PluginReply {
  /** From 200 to 599. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A request of a plugin to one of the backends that its policy declares. */
export interface PluginSubrequest {
  /** GET by default. */
  readonly method?: string;
  /** With its query; "/" by default. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** The answer to it, whatever its status. */
export interface PluginSubresponse {
  readonly status: number;
  readonly headers: PluginHeaders;
  readonly body: Uint8Array;
  /** The body as text in UTF-8. */
  text(): string;
  /** The body as JSON. Throws a SyntaxError if it is none. */
  json(): unknown;
}

/** Lines in the log of the proxy, each with the name of the policy. Long lines are cut, and many of one call are dropped. */
export interface PluginLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * Counters that all requests of the plugin share in a proxy. They outlive a crash and a new version of the plugin. The additions of other
 * workers of the proxy arrive a moment later, about 50 ms.
 */
export interface PluginCounters {
  /** Adds a number, 1 by default, and resolves to the sum. */
  add(name: string, by?: number): Promise<number>;
  /** The sum; 0 for an unknown name. */
  get(name: string): Promise<number>;
}

/** Metrics of the plugin, in the metrics of the proxy. */
export interface PluginMetrics {
  /** Adds to the series `name` of `weir_plugin_custom_total`: letters, digits and "_". */
  count(name: string, by?: number): void;
}

/** What a hook has besides the message. */
export interface PluginContext<Config = unknown> {
  /** The configuration of the policy. It cannot be changed. */
  readonly config: Config;
  /** Values that the hooks of one request share. */
  readonly state: Record<string, unknown>;
  readonly log: PluginLog;
  readonly counters: PluginCounters;
  readonly metrics: PluginMetrics;
  /** Asks a backend of the policy by its name. Rejects with an Error if there is no answer. */
  fetch(backend: string, request?: PluginSubrequest): Promise<PluginSubresponse>;
}

/** What a hook may return: nothing, or later. */
type Maybe<T> = T | undefined | void | Promise<T | undefined | void>;

/** A plugin: its hooks, each of which may be absent. A hook may be asynchronous. */
export interface Plugin<Config = unknown> {
  /** Sees the head of a request, and changes it or answers it. */
  onRequest?(request: PluginRequest, context: PluginContext<Config>): Maybe<PluginReply>;
  /** Sees the whole body of a request. Returns another body, or answers the request. The head may still be changed. */
  onRequestBody?(body: Uint8Array, request: PluginRequest, context: PluginContext<Config>): Maybe<Uint8Array | string | PluginReply>;
  /** Sees each chunk of the body of a request, and returns what takes its place: nothing keeps it. The last chunk may be empty. */
  onRequestChunk?(
    chunk: Uint8Array,
    info: { readonly isLast: boolean },
    request: PluginRequest,
    context: PluginContext<Config>,
  ): Maybe<Uint8Array | string>;
  /** Sees the head of an answer, also of those of the proxy itself, and changes it. */
  onResponse?(response: PluginResponse, request: PluginRequest, context: PluginContext<Config>): Maybe<never>;
  /** Sees the whole body of an answer, and returns another one. The head may still be changed. */
  onResponseBody?(
    body: Uint8Array,
    response: PluginResponse,
    request: PluginRequest,
    context: PluginContext<Config>,
  ): Maybe<Uint8Array | string>;
  /** Sees each chunk of the body of an answer, and returns what takes its place: nothing keeps it. The last chunk may be empty. */
  onResponseChunk?(
    chunk: Uint8Array,
    info: { readonly isLast: boolean },
    response: PluginResponse,
    context: PluginContext<Config>,
  ): Maybe<Uint8Array | string>;
}

/** Gives a plugin its types. The default export of the module is its result. */
export function definePlugin<Config = unknown>(plugin: Plugin<Config>): Plugin<Config> {
  return plugin;
}
