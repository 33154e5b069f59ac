// A plugin on the event loop of the worker: for hooks that see heads only, and are quick. Its calls cross no thread, and most need no promise.
// A call that takes longer than other requests should wait for is cut: then the plugin moves to a thread.
import { err, ok, type Result } from '#lib/result.ts';
import type { Envelope, Hook, ThreadData, ToPlugin } from './message.ts';
import type { Outcome } from './outcome.ts';
import type { Answers, Request } from './plugin-isolate.ts';
import { javascriptOf } from './quickjs/javascript.ts';
import type { QuickCalls } from './quickjs/quick-calls.ts';
import { QuickJsIsolate } from './quickjs/quickjs-isolate.ts';
import { parseMessage } from './untrusted-message.ts';
import { WorkCredit } from './work-credit.ts';

/** Processor time of one call on the event loop, milliseconds. */
const CALL_TIME = 1;
/** Of the start of its module: once for each version. */
const LOAD_TIME = 100;
/** The hooks that may run on the event loop. */
const HEAD_HOOKS: ReadonlySet<Hook> = new Set(['onRequest', 'onResponse']);

/** Whether a plugin with these hooks sees heads only. */
export function seesHeadsOnly(hooks: ReadonlySet<Hook>): boolean {
  return [...hooks].every((hook) => HEAD_HOOKS.has(hook));
}

export interface LoopIsolateOptions extends Pick<ThreadData, 'source' | 'language' | 'config' | 'memory'> {
  /** The time of a call with its waits, milliseconds. */
  readonly timeout: number;
  /** The plugin asks for something. */
  readonly asked: (request: Request, bytes: Buffer | null, from: Answers) => void;
}

/** The changes of a hook in lines (`guest/quick.ts`), its outcome, or null: the call is void, and the plugin must move to a thread. */
export type LoopOutcome = string | Outcome | Promise<Outcome> | null;

/** A call that waits. */
interface Waiting {
  readonly settle: (outcome: Outcome) => void;
  readonly timer: NodeJS.Timeout;
}

export class LoopIsolate implements Answers {
  readonly #options: LoopIsolateOptions;
  readonly #isolate: QuickJsIsolate;
  readonly #outbox: Envelope[];
  readonly #waiting = new Map<number, Waiting>();
  readonly #credit: WorkCredit;
  /** Why the plugin must move to a thread; null: it stays. */
  #over: string | null = null;
  /** Not even calls that wait can go on. */
  #isBroken = false;

  private constructor(options: LoopIsolateOptions, isolate: QuickJsIsolate, outbox: Envelope[]) {
    this.#options = options;
    this.#isolate = isolate;
    this.#outbox = outbox;
    this.#credit = new WorkCredit('loop', isolate.looks);
  }

  /** Starts a plugin that runs in a thread already. The reason if it must stay there. */
  static async open(engine: WebAssembly.Module, options: LoopIsolateOptions): Promise<Result<LoopIsolate>> {
    const source = javascriptOf(options);
    if (!source.ok) return source;
    const outbox: Envelope[] = [];
    const { config, memory } = options;
    const prepared = await QuickJsIsolate.prepare(engine);
    const isolate = prepared({
      ...{ source: source.value, config, memory, callTime: CALL_TIME, loadTime: LOAD_TIME },
      send: (envelope) => outbox.push(envelope),
    });
    const hooks = isolate.load();
    return hooks.ok ? ok(new LoopIsolate(options, isolate, outbox)) : err(hooks.error);
  }

  get over(): string | null {
    return this.#over;
  }

  /** `exchange` 0: no other hook of it follows. */
  request(head: string, exchange: number): LoopOutcome {
    return this.#call((calls) => calls.request(head, exchange));
  }

  /** Without a request the exchange is known. It is its last hook. */
  response(request: string | null, exchange: number, status: number, headers: string): LoopOutcome {
    return this.#call((calls) => calls.response(request, exchange, status, headers));
  }

  /** The exchange is over before its last hook. */
  forget(exchange: number): void {
    if (!this.#isBroken) void this.#call((calls) => calls.forget(exchange));
  }

  /** The values that the hooks of an exchange share, for another isolate. */
  savedState(exchange: number): Readonly<Record<string, unknown>> | null {
    const text = this.#isolate.savedState(exchange);
    const saved: unknown = text === null ? null : parsed(text);
    return typeof saved === 'object' ? (saved as Readonly<Record<string, unknown>> | null) : null;
  }

  tell(message: ToPlugin, bytes: Uint8Array | null): void {
    if (this.#isBroken) return;
    const broken = this.#isolate.dispatch([JSON.stringify(message), bytes]);
    if (broken === null) this.#deliver();
    else this.#end(broken.reason);
  }

  #call(call: (calls: QuickCalls) => string | null): LoopOutcome {
    const result = this.#isolate.quick(call);
    if (typeof result !== 'string') return this.#end(result.reason);
    if (!this.#credit.spend(this.#isolate.looks)) this.#over ??= 'its calls take long';
    if (result.startsWith('!')) return this.#failed(result.slice(1));
    const outcome = result.startsWith('?') ? this.#later(Number(result.slice(1))) : result;
    if (this.#outbox.length > 0 || outcome !== result) this.#deliver();
    return outcome;
  }

  #failed(reason: string): Outcome {
    this.#deliver();
    return { ok: false, failure: 'failed', reason };
  }

  #later(call: number): Promise<Outcome> {
    const { timeout } = this.#options;
    return new Promise((settle) => {
      const late = (): void => this.#settle(call, { ok: false, failure: 'timeout', reason: `it took longer than ${timeout} ms` });
      this.#waiting.set(call, { settle, timer: setTimeout(late, timeout).unref() });
    });
  }

  #settle(call: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return;
    this.#waiting.delete(call);
    clearTimeout(waiting.timer);
    waiting.settle(outcome);
  }

  /** Takes the messages of the plugin. */
  #deliver(): void {
    for (const [text, bytes] of this.#outbox.splice(0)) this.#take(text, bytes);
    if (this.#waiting.size === 0) return;
    for (const call of this.#isolate.stuckCalls())
      this.#settle(call, { ok: false, failure: 'failed', reason: 'a hook waits for something that never comes' });
  }

  #take(text: string, bytes: Uint8Array | null): void {
    const message = parseMessage(text);
    if (message === null) return;
    const buffer = bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (message.type === 'done') this.#settle(message.call, { ok: true, changes: message.changes, bytes: buffer });
    else if (message.type === 'failed') this.#settle(message.call, { ok: false, failure: 'failed', reason: message.reason });
    else this.#options.asked(message, buffer, this);
  }

  /** What the call said may be half of something. Calls that wait are lost with the isolate. */
  #end(reason: string): null {
    this.#over = reason;
    this.#isBroken = true;
    this.#outbox.length = 0;
    for (const call of [...this.#waiting.keys()])
      this.#settle(call, { ok: false, failure: 'lost', reason: 'the isolate ended for another call' });
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
