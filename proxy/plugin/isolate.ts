// A plugin in the thread that runs it, in any language.
import type { Result } from '#lib/result.ts';
import type { CallFailure, Envelope, Hook } from './message.ts';

/** A call that did not end as it should: the isolate must not be used any more. */
export interface Broken {
  readonly failure: CallFailure;
  readonly reason: string;
}

/** What a plugin gets at its start. */
export interface IsolateOptions {
  /** The module. */
  readonly source: Uint8Array;
  /** JSON. */
  readonly config: string;
  /** Processor time of one call, milliseconds. */
  readonly callTime: number;
  /** Bytes. */
  readonly memory: number;
  /** Takes messages of the plugin. */
  readonly send: (envelope: Envelope) => void;
}

/** Runs what an isolate does by itself, such as a timer: under the watch of its thread, with the same end as a call. */
export type RunLater = (action: () => Broken | null) => void;

export interface Isolate {
  /** A measure of the work since its start, with the engine that can run the same module on the event loop; absent: it cannot. */
  readonly looks?: number;
  readonly engine?: WebAssembly.Module;
  /** Runs the module. Returns the hooks that it has, or why it cannot be used. */
  load(): Result<readonly Hook[]>;
  /** Takes a message for the plugin. Null: the isolate goes on. */
  dispatch(envelope: Envelope): Broken | null;
  /** The calls that nothing can settle any more, each told once. */
  stuckCalls(): readonly number[];
}
