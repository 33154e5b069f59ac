// A module of the proxy-wasm ABI in the thread that runs it. Its memory is an array of bytes with a limit, and it has no function but those
// of the ABI. A call that does not end is ended with the thread: WebAssembly has no interruption from within.
import { err, ok, type Result } from '#lib/result.ts';
import type { WasmSettings, BodyMode } from '../../exchange/plugins.ts';
import type { Broken, Isolate, RunLater } from '../isolate.ts';
import type { CallMessage, Changes, Envelope, Hook, ToPlugin } from '../message.ts';
import type { HeaderMap } from './header-map.ts';
import { GuestModule, reasonOf } from './guest-module.ts';
import { ModuleState, ROOT, type ModuleOptions, type Received } from './module-state.ts';
import { OutgoingCalls, type CallAnswer } from './outgoing-calls.ts';
import { changesOf, StreamContext, type Half } from './stream-context.ts';

/** proxy_action_t. */
const CONTINUE = 0;
/** Contexts that a module may keep after their exchanges. */
const MAX_PENDING = 1_000;
/** Callbacks about queues after one call. */
const MAX_QUEUE_EVENTS = 1_000;
/** The share of its memory from which a trap counts as one for lack of memory: allocators trap when memory.grow fails. */
const FULL = 0.75;
const TOO_LARGE = { request: 413, response: 502 } as const;

/** The callbacks for hooks. */
const CALLBACKS: Readonly<Record<Hook, string>> = {
  onRequest: 'proxy_on_request_headers',
  onRequestBody: 'proxy_on_request_body',
  onRequestChunk: 'proxy_on_request_body',
  onRequestTrailers: 'proxy_on_request_trailers',
  onResponse: 'proxy_on_response_headers',
  onResponseBody: 'proxy_on_response_body',
  onResponseChunk: 'proxy_on_response_body',
  onResponseTrailers: 'proxy_on_response_trailers',
};

/** The mode of bodies that a hook is for; null: any. */
const MODES: Readonly<Record<Hook, readonly [half: 'requestBody' | 'responseBody', mode: BodyMode] | null>> = {
  onRequest: null,
  onRequestBody: ['requestBody', 'Buffered'],
  onRequestChunk: ['requestBody', 'Streamed'],
  onRequestTrailers: ['requestBody', 'Streamed'],
  onResponse: null,
  onResponseBody: ['responseBody', 'Buffered'],
  onResponseChunk: ['responseBody', 'Streamed'],
  onResponseTrailers: ['responseBody', 'Streamed'],
};

function isWanted(hook: Hook, settings: WasmSettings): boolean {
  const mode = MODES[hook];
  return mode === null || settings[mode[0]] === mode[1];
}

export class WasmIsolate implements Isolate {
  readonly #options: ModuleOptions;
  readonly #module: WebAssembly.Module;
  readonly #runLater: RunLater;
  readonly #state: ModuleState;
  readonly #calls: OutgoingCalls;
  /** The streams by the numbers of their exchanges. */
  readonly #exchanges = new Map<number, StreamContext>();
  #guest: GuestModule | null = null;
  #lastContext = ROOT;
  /** The half whose callback runs; null: another one does. */
  #running: Half | null = null;
  #queued: number[] = [];
  #tick: NodeJS.Timeout | undefined;

  constructor(module: WebAssembly.Module, options: ModuleOptions, runLater: RunLater) {
    this.#options = options;
    this.#module = module;
    this.#runLater = runLater;
    this.#state = new ModuleState(options, {
      resumed: (context, half) => this.#resumed(context, half),
      done: (context) => this.#finish(context),
      queued: (queue) => this.#queued.push(queue),
      setTick: (period) => this.#setTick(period),
    });
    this.#calls = new OutgoingCalls(this.#state);
  }

  load(): Result<readonly Hook[]> {
    const started = GuestModule.start(this.#module, this.#state, this.#calls);
    if (!started.ok) return started;
    const guest = started.value;
    this.#guest = guest;
    try {
      const problem = this.#configure(guest);
      if (problem !== null) return err(problem);
    } catch (error) {
      return err(reasonOf(error));
    }
    const hooks = (Object.keys(CALLBACKS) as Hook[]).filter((hook) => isWanted(hook, this.#options.settings) && guest.has(CALLBACKS[hook]));
    this.#afterCall();
    return ok(hooks);
  }

  dispatch([text, bytes]: Envelope): Broken | null {
    const message = JSON.parse(text) as ToPlugin;
    return this.#guarded(() => {
      if (message.type === 'call') this.#call(message, bytes);
      else if (message.type === 'end') this.#end(message.exchange, message.attributes);
      else if (message.type === 'answer') this.#answered(message.op, answerOf(message, bytes));
      else if (message.type === 'refused') this.#refused(message.op, message.reason);
    });
  }

  /** A paused stream waits for calls, ticks and queues; only time ends that. */
  stuckCalls(): readonly number[] {
    return [];
  }

  #configure(guest: GuestModule): string | null {
    const state = this.#state;
    const configuration = Buffer.from(this.#options.config);
    state.begin(ROOT);
    guest.call('proxy_on_context_create', [ROOT, 0], 0);
    if (guest.call('proxy_on_vm_start', [ROOT, 0], 1) === 0) return 'the module does not start: proxy_on_vm_start returned false';
    state.configuration = configuration;
    const isTaken = guest.call('proxy_on_configure', [ROOT, configuration.length], 1) !== 0;
    state.configuration = null;
    return isTaken ? null : 'the module refuses its configuration: proxy_on_configure returned false';
  }

  /** Runs what may call the module. After a trap the module is in an unknown state. */
  #guarded(action: () => void): Broken | null {
    try {
      action();
      this.#tellQueues();
    } catch (error) {
      const { memory } = this.#options;
      const reason = reasonOf(error);
      if (this.#state.memory.size < memory * FULL) return { failure: 'failed', reason };
      return { failure: 'memory', reason: `it used ${this.#state.memory.size} of ${memory} bytes: ${reason}` };
    }
    this.#afterCall();
    return null;
  }

  #afterCall(): void {
    for (const message of this.#state.metrics.takeChanges()) this.#options.send([JSON.stringify(message), null]);
  }

  /** Calls a function of the module for a context. */
  #callback(name: string, context: number, values: readonly number[], otherwise = CONTINUE): number {
    this.#state.begin(context);
    return (this.#guest as GuestModule).call(name, [context, ...values], otherwise);
  }

  // Hooks

  #call(message: CallMessage, bytes: Uint8Array | null): void {
    const { call, hook, isLast = false } = message;
    const context = this.#contextOf(message);
    context.take(message);
    const half = context.half(hook);
    if (bytes !== null && !half.body.push(bytes)) return this.#settleAsTooLarge(call, hook);
    half.begin({ call, hook, isLast });
    this.#running = half;
    const action = this.#callback(CALLBACKS[hook], context.id, argumentsOf(half, message));
    this.#running = null;
    if (action === CONTINUE || half.isResumed || half.answer !== null || context.isClosed) return this.#settle(context, half);
    // A piece that is held goes on with a later one; the end of the body does not come twice.
    if (hook.endsWith('Chunk') && !isLast) this.#hold(half);
  }

  #contextOf({ exchange, keep }: CallMessage): StreamContext {
    const known = this.#exchanges.get(exchange);
    if (known !== undefined) return known;
    const context = new StreamContext(++this.#lastContext, keep, this.#options.settings.maxBodySize);
    this.#state.streams.set(context.id, context);
    this.#exchanges.set(exchange, context);
    this.#callback('proxy_on_context_create', context.id, [ROOT]);
    return context;
  }

  #hold(half: Half): void {
    const open = half.settle();
    half.body.isChanged = true;
    if (open !== null) this.#done(open.call, { replaces: true }, Buffer.alloc(0));
  }

  #settleAsTooLarge(call: number, hook: Hook): void {
    const status = hook.startsWith('onRequest') ? TOO_LARGE.request : TOO_LARGE.response;
    this.#done(call, { reply: { status, headers: [] } }, null);
  }

  #resumed(context: StreamContext, half: Half): void {
    if (half.open !== null && half !== this.#running) this.#settle(context, half);
  }

  #settle(context: StreamContext, half: Half): void {
    const { answer } = half;
    const open = half.settle();
    half.answer = null;
    if (open === null) return;
    if (context.isClosed) this.#send({ type: 'failed', call: open.call, reason: 'the module closed the stream' });
    else if (answer !== null) {
      const { status, headers, body, grpcStatus } = answer;
      this.#done(open.call, { reply: { status, headers, ...(grpcStatus < 0 ? {} : { grpcStatus }) } }, body);
    } else this.#pass(half, open);
    if (!context.isKept) this.#leave(context);
  }

  #pass(half: Half, { call, hook }: { readonly call: number; readonly hook: Hook }): void {
    const bytes = hook === 'onRequest' || hook === 'onResponse' ? null : half.body.release();
    const changes: Changes = { ...changesOf(half, hook), ...(bytes === null ? {} : { replaces: true }) };
    this.#done(call, Object.keys(changes).length === 0 ? null : changes, bytes);
  }

  #done(call: number, changes: Changes | null, bytes: Uint8Array | null): void {
    this.#options.send([JSON.stringify({ type: 'done', call, changes }), bytes]);
  }

  #send(message: object): void {
    this.#options.send([JSON.stringify(message), null]);
  }

  // The end of exchanges

  #end(exchange: number, attributes: StreamContext['attributes'] = {}): void {
    const context = this.#exchanges.get(exchange);
    if (context === undefined) return;
    this.#exchanges.delete(exchange);
    context.attributes = { ...context.attributes, ...attributes };
    this.#leave(context);
  }

  #leave(context: StreamContext): void {
    for (const half of [context.request, context.response]) half.settle();
    if (!context.isKept) for (const [exchange, each] of this.#exchanges) if (each === context) this.#exchanges.delete(exchange);
    context.isPendingDone = true;
    const isDone = this.#callback('proxy_on_done', context.id, [], 1) !== 0;
    if (isDone || this.#state.streams.size - this.#exchanges.size > MAX_PENDING) this.#finish(context);
  }

  #finish(context: StreamContext): void {
    if (!context.isPendingDone) return;
    context.isPendingDone = false;
    const before = this.#state.effective;
    this.#callback('proxy_on_log', context.id, []);
    this.#callback('proxy_on_delete', context.id, []);
    this.#state.streams.delete(context.id);
    this.#state.effective = this.#state.streams.has(before) ? before : ROOT;
  }

  // Events of the module itself

  #answered(op: number, answer: CallAnswer): void {
    this.#receive(op, this.#calls.end(op, answer));
  }

  #refused(op: number, reason: string): void {
    this.#state.begin(ROOT);
    this.#state.log(WARN, `a call of the module failed: ${reason}`);
    this.#receive(op, this.#calls.end(op, null));
  }

  #receive(op: number, received: Received | null): void {
    if (received === null) return;
    if (received.isGrpc) return this.#receiveGrpc(op, received);
    const { headers, trailers, body } = received;
    this.#about(received, 'proxy_on_http_call_response', [op, sizeOf(headers), body.length, sizeOf(trailers)]);
  }

  #receiveGrpc(op: number, received: Received): void {
    const { headers, trailers, body, status } = received;
    if (headers !== null && headers.size > 0) this.#about(received, 'proxy_on_grpc_receive_initial_metadata', [op, headers.size]);
    if (status === 0) this.#about(received, 'proxy_on_grpc_receive', [op, body.length]);
    if (trailers !== null && trailers.size > 0) this.#about(received, 'proxy_on_grpc_receive_trailing_metadata', [op, trailers.size]);
    this.#about(received, 'proxy_on_grpc_close', [op, status]);
  }

  #about(received: Received, name: string, values: readonly number[]): void {
    this.#state.begin(ROOT);
    this.#state.received = received;
    (this.#guest as GuestModule).call(name, [ROOT, ...values], 0);
  }

  #tellQueues(): void {
    for (let events = 0; this.#queued.length > 0 && events < MAX_QUEUE_EVENTS; events++)
      this.#callback('proxy_on_queue_ready', ROOT, [this.#queued.shift() as number]);
    this.#queued = [];
  }

  #setTick(period: number): void {
    clearInterval(this.#tick);
    if (period === 0) return;
    const tick = (): Broken | null => this.#guarded(() => void this.#callback('proxy_on_tick', ROOT, []));
    this.#tick = setInterval(() => this.#runLater(tick), period);
  }
}

/** Of the ABI. */
const WARN = 3;

function answerOf({ status, headers, trailers = [] }: Extract<ToPlugin, { type: 'answer' }>, bytes: Uint8Array | null): CallAnswer {
  return { status, headers, trailers, body: Buffer.from(bytes ?? []) };
}

/** The arguments of a callback after its context. */
function argumentsOf(half: Half, { hook, isLast = false, hasBody = false }: CallMessage): readonly number[] {
  if (hook === 'onRequest' || hook === 'onResponse') return [sizeOf(half.head), Number(!hasBody)];
  return hook.endsWith('Trailers') ? [sizeOf(half.trailers)] : [half.body.bytes.length, Number(isLast)];
}

function sizeOf(map: HeaderMap | null): number {
  return map?.size ?? 0;
}
