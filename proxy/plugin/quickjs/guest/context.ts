// What hooks have besides the message: they ask the proxy, and wait for it.
import type { PluginContext, PluginSubresponse } from '../../../../sdk/index.ts';
import type { FromPlugin, ToPlugin } from '../../message.ts';
import { bufferOf, bytesOf, decodeText } from './bytes.ts';
import { flat, Headers, textOf } from './headers.ts';
import { configText, send } from './host.ts';
import { deepFrozen, describe } from './values.ts';

const MAX_LOG_LINE = 1_024;
const config = deepFrozen(JSON.parse(configText));

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: Error): void;
}

const waiting = new Map<number, Waiting>();
let lastOp = 0;

/** Takes the result of an operation. */
export function settle(message: Exclude<ToPlugin, { type: 'call' | 'end' }>, bytes: ArrayBuffer | undefined): void {
  const waiter = waiting.get(message.op);
  waiting.delete(message.op);
  if (message.type === 'refused') waiter?.reject(new Error(message.reason));
  else if (message.type === 'counted') waiter?.resolve(message.value);
  else waiter?.resolve(subresponse(message.status, message.headers, new Uint8Array(bytes ?? new ArrayBuffer(0))));
}

/** Whether an operation is under way. */
export function isWaiting(): boolean {
  return waiting.size > 0;
}

/** The answer of a backend. */
export function subresponse(status: number, list: readonly string[], body: Uint8Array): PluginSubresponse {
  const headers = new Headers(textOf(list));
  headers.isOpen = false;
  return Object.freeze({ status, headers, body, text: () => decodeText(body), json: (): unknown => JSON.parse(decodeText(body)) });
}

const log = Object.freeze({
  info: (message: string) => logLine('info', message),
  warn: (message: string) => logLine('warn', message),
  error: (message: string) => logLine('error', message),
});

function logLine(level: 'info' | 'warn' | 'error', message: unknown): void {
  emit({ type: 'log', level, message: describe(message).slice(0, MAX_LOG_LINE) });
}

const metrics = Object.freeze({ count: (name: string, by = 1) => emit({ type: 'metric', name: String(name), by: Number(by) }) });

const counters: PluginContext['counters'] = Object.freeze({
  add: (name: string, by = 1) => operation<number>((op) => emit({ type: 'count', op, name: String(name), by: Number(by) })),
  get: (name: string) => operation<number>((op) => emit({ type: 'count', op, name: String(name), by: 0 })),
});

const fetch: PluginContext['fetch'] = (backend, { method = 'GET', path = '/', headers = {}, body } = {}) =>
  operation((op) => {
    const bytes = bytesOf(body);
    const message = { type: 'ask', op, backend: String(backend), method, path, headers: flat(headers) } as const;
    send(JSON.stringify(message satisfies FromPlugin), bytes === null ? undefined : bufferOf(bytes));
  });

/** The context of the hooks of one exchange. What all have in common is in its prototype, and cannot be changed. */
export class Context implements PluginContext {
  declare readonly config: unknown;
  declare readonly log: PluginContext['log'];
  declare readonly metrics: PluginContext['metrics'];
  declare readonly counters: PluginContext['counters'];
  declare readonly fetch: PluginContext['fetch'];
  declare values: Record<string, unknown> | undefined;

  get state(): Record<string, unknown> {
    return (this.values ??= {});
  }
}
for (const [name, value] of Object.entries({ config, log, metrics, counters, fetch }))
  Object.defineProperty(Context.prototype, name, { value });

function operation<T>(begin: (op: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const op = ++lastOp;
    begin(op);
    waiting.set(op, { resolve: resolve as (value: unknown) => void, reject });
  });
}

/** Sends a message without bytes. */
export function emit(message: FromPlugin): void {
  send(JSON.stringify(message));
}
