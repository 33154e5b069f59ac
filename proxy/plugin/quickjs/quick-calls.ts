// Calls of functions around the plugin with texts, by the pointers of the engine: a tenth of the cost of its handles and messages.
import type {
  BorrowedHeapCharPointer,
  JSContextPointer,
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

/** A head as the plugin gets it: method, scheme, host, client, principal (JSON), path and query in lines, and `\nname:value\n...` */
export interface HeadText {
  readonly text: string;
  readonly headers: string;
}

const MAX_ARGUMENTS = 5;
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
    const pointer = (name: string): JSValuePointer => vm.getProp(vm.global, name).value as JSValuePointer;
    this.#functions = { request: pointer('weirRequest'), response: pointer('weirResponse'), forget: pointer('weirForget') };
  }

  /** Calls `onRequest`. Null: the engine ended the call. */
  request({ text, headers }: HeadText, exchange: number): string | null {
    return this.#call('request', [this.#textOf(text), this.#textOf(headers), this.#number(exchange)]);
  }

  /** Calls `onResponse`. Without a request the exchange is known. */
  response(request: HeadText | null, exchange: number, status: number, headers: string): string | null {
    const [text, requestHeaders] = [this.#textOf(request?.text ?? ''), this.#textOf(request?.headers ?? '')];
    return this.#call('response', [text, requestHeaders, this.#number(exchange), this.#number(status), this.#textOf(headers)]);
  }

  /** The exchange is over. */
  forget(exchange: number): string | null {
    return this.#call('forget', [this.#number(exchange)]);
  }

  #call(name: 'request' | 'response' | 'forget', values: readonly JSValuePointer[]): string | null {
    const ffi = this.#ffi;
    const context = this.#context;
    const bytes = this.#view();
    for (let i = 0; i < values.length; i++) bytes.writeUInt32LE(values[i] as number, this.#arguments + i * POINTER_BYTES);
    const target = this.#arguments as JSValueConstPointerPointer;
    const result = ffi.QTS_Call(context, this.#functions[name], ffi.QTS_GetUndefined(), values.length, target);
    for (const value of values) ffi.QTS_FreeValuePointer(context, value);
    const error = ffi.QTS_ResolveException(context, result);
    const text = error === 0 ? this.#read(result) : null;
    if (error !== 0) ffi.QTS_FreeValuePointer(context, error);
    ffi.QTS_FreeValuePointer(context, result);
    return text;
  }

  #read(value: JSValuePointer): string {
    const pointer = this.#ffi.QTS_GetString(this.#context, value);
    const bytes = this.#view();
    const text = bytes[pointer] === 0 ? '' : bytes.toString('utf8', pointer, bytes.indexOf(0, pointer));
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

  /** The memory, which may have grown. */
  #view(): Buffer {
    if (this.#bytes.buffer !== this.#memory.buffer) this.#bytes = Buffer.from(this.#memory.buffer);
    return this.#bytes;
  }
}
