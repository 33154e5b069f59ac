// The calls of a plugin that wait for its thread or run there.
import type { CallMessage } from './message.ts';
import type { Failure, Outcome } from './outcome.ts';
import type { Task } from './plugin-thread.ts';

/** Calls that wait or run. */
const MAX_CALLS = 1_000;

interface OpenCall {
  readonly message: CallMessage;
  readonly bytes: Uint8Array | null;
  /** When a thread got it, a moment of `performance.now`. Without a thread that is ready it has no meaning. */
  since: number;
  readonly settle: (outcome: Outcome) => void;
}

export class OpenCalls {
  readonly #calls = new Map<number, OpenCall>();
  #last = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** Why there is no room for another call; null: there is. */
  get fullness(): string | null {
    return this.#calls.size < MAX_CALLS ? null : `${MAX_CALLS} calls wait`;
  }

  /** Adds a call. Returns its number. */
  add(message: Omit<CallMessage, 'type' | 'call'>, bytes: Uint8Array | null, settle: (outcome: Outcome) => void): number {
    const call = ++this.#last;
    this.#calls.set(call, { message: { ...message, type: 'call', call }, bytes, since: 0, settle });
    return call;
  }

  /** The calls in their order, as they are now. */
  get numbers(): readonly number[] {
    return [...this.#calls.keys()];
  }

  /** The call for the thread, which gets it now. */
  taskOf(call: number): Task {
    const open = this.#calls.get(call) as OpenCall;
    const { message, bytes } = open;
    open.since = performance.now();
    return [call, JSON.stringify(message), bytes];
  }

  /** Ends a call. One that has ended stays as it is. */
  settle(call: number, outcome: Outcome): void {
    const open = this.#calls.get(call);
    if (open === undefined) return;
    this.#calls.delete(call);
    open.settle(outcome);
  }

  /** Ends the calls up to a number. */
  failUpTo(last: number, failure: Failure, reason: string): void {
    for (const call of this.numbers) if (call <= last) this.settle(call, { ok: false, failure, reason });
  }

  /** Ends the calls that a thread has had for longer than their time, milliseconds. */
  failLate(now: number, timeout: number): void {
    for (const [call, { since }] of this.#calls)
      if (now - since > timeout) this.settle(call, { ok: false, failure: 'timeout', reason: `it took longer than ${timeout} ms` });
  }
}
