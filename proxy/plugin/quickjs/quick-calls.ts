// Calls of functions around the plugin with texts, by the pointers of the engine: a tenth of the cost of its handles and messages.
import type {
  BorrowedHeapCharPointer,
  JSContextPointer,
  JSValueConstPointer,
  JSValueConstPointerPointer,
  JSValuePointer,
  QuickJSContext,
} from 'quickjs-emscripten-core';
import type { Engine } from './engine.ts';

/** What the package does not show of a context and of an engine. */
interface Inner {
  readonly ctx: { readonly value: JSContextPointer };
  readonly module: { readonly _malloc: (bytes: number) => number };
}

const MAX_ARGUMENTS = 4;
const POINTER_BYTES = 4;
/** The most bytes of a character of UTF-16 in UTF-8. */
const CHARACTER_BYTES = 3;

export class QuickCalls {
  readonly #ffi: ReturnType<Engine['quickJs']['getFFI']>;
  readonly #memory: WebAssembly.Memory;
  readonly #context: JSContextPointer;
  readonly #allocate: (bytes: number) => number;
  readonly #arguments: number;
  readonly #functions: Readonly<Record<'request' | 'response' | 'forget', JSValuePointer>>;
  readonly #undefined: JSValueConstPointer;
  /** The arguments of the next call. */
  readonly #values: JSValuePointer[] = [];
  #bytes: Buffer;
  /** Where texts are written for the engine, and the bytes there. */
  #input = 0;
  #inputSize = 0;

  constructor({ quickJs, memory }: Engine, vm: QuickJSContext) {
    const { ctx, module } = vm as unknown as Inner;
    this.#ffi = quickJs.getFFI();
    this.#memory = memory;
    this.#bytes = Buffer.from(memory.buffer);
    this.#context = ctx.value;
    this.#allocate = module._malloc;
    this.#arguments = module._malloc(MAX_ARGUMENTS * POINTER_BYTES);
    this.#undefined = this.#ffi.QTS_GetUndefined();
    const pointer = (name: string): JSValuePointer => vm.getProp(vm.global, name).value as JSValuePointer;
    this.#functions = { request: pointer('weirRequest'), response: pointer('weirResponse'), forget: pointer('weirForget') };
  }

  /** Calls `onRequest`, with a head as `requestText` makes it. Null: the engine ended the call. */
  request(head: string, exchange: number): string | null {
    this.#values.push(this.#textOf(head));
    if (exchange !== 0) this.#values.push(this.#number(exchange));
    return this.#call('request');
  }

  /** Calls `onResponse`. Without a request the exchange is known. */
  response(request: string | null, exchange: number, status: number, headers: string): string | null {
    this.#values.push(this.#textOf(request ?? ''));
    this.#values.push(this.#number(exchange));
    this.#values.push(this.#number(status));
    this.#values.push(this.#textOf(headers));
    return this.#call('response');
  }

  /** The exchange is over. */
  forget(exchange: number): string | null {
    this.#values.push(this.#number(exchange));
    return this.#call('forget');
  }

  #call(name: 'request' | 'response' | 'forget'): string | null {
    const ffi = this.#ffi;
    const context = this.#context;
    const values = this.#values;
    const bytes = this.#view();
    for (let i = 0; i < values.length; i++) bytes.writeUInt32LE(values[i] as number, this.#arguments + i * POINTER_BYTES);
    const target = this.#arguments as JSValueConstPointerPointer;
    const result = ffi.QTS_Call(context, this.#functions[name], this.#undefined, values.length, target);
    for (const value of values) ffi.QTS_FreeValuePointer(context, value);
    values.length = 0;
    const error = ffi.QTS_ResolveException(context, result);
    const text = error === 0 ? this.#read(result) : null;
    if (error !== 0) ffi.QTS_FreeValuePointer(context, error);
    ffi.QTS_FreeValuePointer(context, result);
    return text;
  }

  /** A text that ends with a zero. */
  #read(value: JSValuePointer): string {
    const pointer = this.#ffi.QTS_GetString(this.#context, value);
    const bytes = this.#view();
    let end: number = pointer;
    while (bytes[end] !== 0) end++;
    const text = end === pointer ? '' : bytes.toString('utf8', pointer, end);
    this.#ffi.QTS_FreeCString(this.#context, pointer);
    return text;
  }

  #textOf(text: string): JSValuePointer {
    const most = text.length * CHARACTER_BYTES + 1;
    if (most > this.#inputSize) [this.#input, this.#inputSize] = [this.#allocate(2 * most), 2 * most];
    const bytes = this.#view();
    bytes[this.#input + bytes.write(text, this.#input)] = 0;
    return this.#ffi.QTS_NewString(this.#context, this.#input as BorrowedHeapCharPointer);
  }

  #number(value: number): JSValuePointer {
    return this.#ffi.QTS_NewFloat64(this.#context, value);
  }

  /** The memory. When it grows, a view of it becomes empty. */
  #view(): Buffer {
    if (this.#bytes.length === 0) this.#bytes = Buffer.from(this.#memory.buffer);
    return this.#bytes;
  }
}
