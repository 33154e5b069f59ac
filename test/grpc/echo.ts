// A gRPC server and client of @grpc/grpc-js for any service: messages are bytes, and metadata controls the behaviour of a call.
import { Client, credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions, MethodDefinition, ServerDuplexStream, ServiceError, StatusObject } from '@grpc/grpc-js';
import { promisify } from 'node:util';

/** The kinds of calls. */
export type CallKind = 'Unary' | 'Collect' | 'Expand' | 'Chat';

const STREAMS: Readonly<Record<CallKind, readonly [request: boolean, response: boolean]>> = {
  Unary: [false, false],
  Collect: [true, false],
  Expand: [false, true],
  Chat: [true, true],
};

const same = (bytes: Buffer): Buffer => bytes;

/** A method by its full name, `package.Service/Method`. */
export function method(name: string, kind: CallKind): MethodDefinition<Buffer, Buffer> {
  const [requestStream, responseStream] = STREAMS[kind];
  return {
    path: `/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

export const UNARY = method('test.Echo/Unary', 'Unary');
export const COLLECT = method('test.Echo/Collect', 'Collect');
export const EXPAND = method('test.Echo/Expand', 'Expand');
export const CHAT = method('test.Echo/Chat', 'Chat');

type Call = ServerDuplexStream<Buffer, Buffer>;

/**
 * Answers every call with the messages it gets, Collect and Unary with one of all its bytes, Expand with each of its bytes.
 * Metadata of the call: `x-echo...` comes back in head and trailers, `x-fail: 5` ends it with that status, `x-hang` never ends it.
 */
export class EchoServer {
  readonly port: number;
  /** The timeout of each call so far, milliseconds; Infinity without a deadline. */
  readonly timeouts: number[] = [];
  /** Number of calls that the caller cancelled. */
  cancelled = 0;
  active = 0;
  readonly #server: Server;

  private constructor(server: Server, port: number, wire: (echo: EchoServer) => void) {
    this.#server = server;
    this.port = port;
    wire(this);
  }

  /** `name`: the first bytes of answers of Unary and Collect. `methods`: in addition to those of test.Echo. */
  static async start(
    name = '',
    methods: readonly MethodDefinition<Buffer, Buffer>[] = [],
    security = ServerCredentials.createInsecure(),
    address = '127.0.0.1',
  ): Promise<EchoServer> {
    const server = new Server();
    let echo: EchoServer | null = null;
    for (const definition of [UNARY, COLLECT, EXPAND, CHAT, ...methods]) {
      // Registered one by one as duplex streams: the server then hands over the calls as they are.
      server.register(
        definition.path,
        (call: Call) => echo?.serve(call, definition, name),
        definition.responseSerialize,
        definition.requestDeserialize,
        'bidi',
      );
    }
    const bound = await promisify(server.bindAsync.bind(server))(`${address}:0`, security);
    return new EchoServer(server, bound as number, (made) => (echo = made));
  }

  serve(call: Call, definition: MethodDefinition<Buffer, Buffer>, name: string): void {
    this.active++;
    this.timeouts.push(Number(call.getDeadline()) - Date.now());
    const head = echoed(call.metadata);
    call.on('cancelled', () => this.cancelled++);
    call.on('close', () => this.active--);
    call.on('error', () => undefined);
    const fail = Number(call.metadata.get('x-fail')[0] ?? 0);
    if (fail > 0) return void call.emit('error', failure(fail, head));
    call.sendMetadata(head);
    if (call.metadata.get('x-hang').length > 0) return void call.resume();
    answer(call, definition, name, head);
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

function failure(code: number, trailers: Metadata): Partial<StatusObject> {
  return { code, details: `failed with ${code}: é%`, metadata: trailers };
}

function echoed(metadata: Metadata): Metadata {
  const back = new Metadata();
  for (const name of Object.keys(metadata.getMap())) {
    if (name.startsWith('x-echo')) for (const value of metadata.get(name)) back.add(name, value);
  }
  return back;
}

function answer(call: Call, definition: MethodDefinition<Buffer, Buffer>, name: string, trailers: Metadata): void {
  const chunks: Buffer[] = [];
  call.on('data', (message: Buffer) => {
    if (definition.requestStream && definition.responseStream) {
      if (!call.write(message)) {
        call.pause();
        call.once('drain', () => call.resume());
      }
    } else chunks.push(message);
  });
  call.on('end', () => {
    const all = Buffer.concat([Buffer.from(name), ...chunks]);
    if (!definition.responseStream) call.write(all);
    else if (!definition.requestStream) for (const byte of all) call.write(Buffer.of(byte));
    call.end(trailers);
  });
}

/** The outcome of a call. */
export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly messages: readonly Buffer[];
  readonly head: Metadata;
  readonly trailers: Metadata;
}

/** The parameters of a call. */
export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string | Buffer>>;
  /** Milliseconds. */
  readonly deadline?: number;
}

export class EchoClient {
  readonly #client: Client;

  constructor(port: number, security: ChannelCredentials = credentials.createInsecure(), options: ChannelOptions = {}) {
    this.#client = new Client(`127.0.0.1:${port}`, security, { 'grpc.enable_retries': 0, ...options });
  }

  /** Opens a call of any kind, to write and read messages. */
  open(definition: MethodDefinition<Buffer, Buffer>, { metadata = {}, deadline }: CallOptions = {}) {
    const sent = new Metadata();
    for (const [name, value] of Object.entries(metadata)) sent.add(name, value);
    const options = deadline === undefined ? {} : { deadline: Date.now() + deadline };
    return this.#client.makeBidiStreamRequest(definition.path, same, same, sent, options);
  }

  /** Makes a call with these messages and waits for its end. */
  call(definition: MethodDefinition<Buffer, Buffer>, messages: readonly Buffer[], options: CallOptions = {}): Promise<Outcome> {
    const stream = this.open(definition, options);
    const outcome = outcomeOf(stream);
    for (const message of messages) stream.write(message);
    stream.end();
    return outcome;
  }

  close(): void {
    this.#client.close();
  }
}

/** Waits for the end of a call. */
export function outcomeOf(stream: ReturnType<EchoClient['open']>): Promise<Outcome> {
  const messages: Buffer[] = [];
  let head = new Metadata();
  stream.on('metadata', (metadata) => (head = metadata));
  stream.on('data', (message: Buffer) => messages.push(message));
  // The status has the same error.
  stream.on('error', (_error: ServiceError) => undefined);
  return new Promise((resolve) => {
    stream.on('status', ({ code, details, metadata }: StatusObject) => resolve({ code, details, messages, head, trailers: metadata }));
  });
}

export { status };
