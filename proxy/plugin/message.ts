// The messages between a plugin in its isolate and the proxy. A head is a text in JSON, bytes are beside it.
import type { PluginLanguage } from '../exchange/plugins.ts';

/** Processor time for the start of a module, milliseconds. */
export const LOAD_TIME = 1_000;

/** The hooks of a plugin. */
export const HOOKS = ['onRequest', 'onRequestBody', 'onRequestChunk', 'onResponse', 'onResponseBody', 'onResponseChunk'] as const;
export type Hook = (typeof HOOKS)[number];

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
  /** Other hooks of the exchange may follow: its state stays until `end`. */
  readonly keep: boolean;
}

/** To the plugin. The bytes of a body are beside it. */
export type ToPlugin =
  | CallMessage
  | { readonly type: 'end'; readonly exchange: number }
  | { readonly type: 'answer'; readonly op: number; readonly status: number; readonly headers: readonly string[] }
  | { readonly type: 'refused'; readonly op: number; readonly reason: string }
  | { readonly type: 'counted'; readonly op: number; readonly value: number };

/** What a hook changes. */
export interface Changes {
  readonly path?: string;
  readonly query?: string;
  readonly status?: number;
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
  /** The bytes beside the message are the body of this answer. */
  readonly reply?: { readonly status: number; readonly headers: readonly string[] };
  /** The bytes beside the message take the place of the body. */
  readonly replaces?: boolean;
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
    }
  | { readonly type: 'count'; readonly op: number; readonly name: string; readonly by: number }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  | { readonly type: 'metric'; readonly name: string; readonly by: number };

/** A message with the bytes beside it. */
export type Envelope = readonly [text: string, bytes: Uint8Array | null];

/** Why a call ended without a result. */
export type CallFailure = 'failed' | 'timeout' | 'memory' | 'lost';

/** From the thread, besides envelopes of the plugin. */
export type FromThread =
  | { readonly type: 'ready'; readonly hooks: readonly Hook[] }
  | { readonly type: 'unusable'; readonly reason: string }
  | { readonly type: 'messages'; readonly envelopes: readonly Envelope[] }
  /** The isolate was replaced: calls up to this one are lost, and `call` failed for the reason. */
  | { readonly type: 'replaced'; readonly call: number; readonly failure: CallFailure; readonly reason: string };

/** The start of a thread. */
export interface ThreadData {
  readonly source: Uint8Array;
  readonly language: PluginLanguage;
  /** JSON. */
  readonly config: string;
  /** Processor time of one call, milliseconds. */
  readonly callTime: number;
  /** Bytes. */
  readonly memory: number;
  /** Two numbers: when the isolate began to run (milliseconds; 0: it does not run), and the last call that it took. */
  readonly watch: SharedArrayBuffer;
}
