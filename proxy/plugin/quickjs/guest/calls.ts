// Runs inside of the isolate, around the plugin: makes the objects of the SDK of messages, and messages of what the plugin does with them.
// All of this folder is evaluated as modules of QuickJS. It protects nothing: the proxy checks all that leaves the isolate.
import type { CallMessage, FromPlugin, ToPlugin } from '../../message.ts';
import { emit, isWaiting, settle } from './context.ts';
import { forget, stateOfCall, type ExchangeState } from './exchanges.ts';
import { run } from './hooks.ts';
import { send } from './host.ts';
import { done } from './results.ts';
import { describe } from './values.ts';

/** Calls whose promise is not settled. */
const pending = new Set<number>();

/** Takes a message of the proxy. Returns the result of a call if it is there at once, or ''. */
export function dispatch(text: string, bytes?: ArrayBuffer): string {
  const message = JSON.parse(text) as ToPlugin;
  if (message.type === 'call') return call(message, bytes);
  if (message.type === 'end') forget(message.exchange);
  else settle(message, bytes);
  return '';
}

/** Runs a hook. Returns the result if it is there at once, or ''. */
function call(message: CallMessage, bytes: ArrayBuffer | undefined): string {
  const state = stateOfCall(message);
  const { call: id } = message;
  try {
    const result = run(message, state, bytes === undefined ? new Uint8Array(0) : new Uint8Array(bytes));
    if (!isThenable(result)) return done(message, state, result);
    settleLater(message, state, result);
    return '';
  } catch (error) {
    return JSON.stringify({ type: 'failed', call: id, reason: describe(error) } satisfies FromPlugin);
  }
}

/** Tells the result of a hook once it is there. */
export function settleLater(message: Pick<CallMessage, 'call' | 'hook'>, state: ExchangeState, result: Promise<unknown>): void {
  const { call: id } = message;
  pending.add(id);
  result.then(
    (late) => pending.delete(id) && tell(id, () => done(message, state, late)),
    (error: unknown) => pending.delete(id) && emit({ type: 'failed', call: id, reason: describe(error) }),
  );
}

/** Whether a hook is not yet done. */
export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Tells the result of a hook, or why there is none. */
export function tell(id: number, result: () => string): void {
  let text: string;
  try {
    text = result();
  } catch (error) {
    text = JSON.stringify({ type: 'failed', call: id, reason: describe(error) } satisfies FromPlugin);
  }
  if (text !== '') send(text);
}

/** The calls that nothing can settle any more, as JSON: a promise waits although no operation is under way. */
export function stuckCalls(): string {
  if (isWaiting() || pending.size === 0) return '[]';
  const stuck = [...pending];
  pending.clear();
  return JSON.stringify(stuck);
}
