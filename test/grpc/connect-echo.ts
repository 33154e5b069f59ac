// A server and clients of the Connect protocol, by the packages of its authors. Descriptors are made here: no code is generated.
import { createFileRegistry, create, type Message } from '@bufbuild/protobuf';
import type { GenMessage, GenService } from '@bufbuild/protobuf/codegenv2';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Client, type ConnectRouter, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter, createConnectTransport, Http2SessionManager, type ConnectTransportOptions } from '@connectrpc/connect-node';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type net from 'node:net';
import { closeLater } from '../support/fixture.ts';

export type Text = Message<'test.Text'> & { text: string };
type Kind<K> = { readonly methodKind: K; readonly input: GenMessage<Text>; readonly output: GenMessage<Text> };
type EchoService = GenService<{
  readonly unary: Kind<'unary'>;
  readonly read: Kind<'unary'>;
  readonly collect: Kind<'client_streaming'>;
  readonly expand: Kind<'server_streaming'>;
  readonly chat: Kind<'bidi_streaming'>;
}>;

const method = (name: string, clientStreaming = false, serverStreaming = false): object => ({
  ...{ name, inputType: '.test.Text', outputType: '.test.Text', clientStreaming, serverStreaming },
  // Methods without side effects may be called with GET.
  ...(name === 'Read' && { options: create(MethodOptionsSchema, { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS }) }),
});

const FIELD = { name: 'text', number: 1, type: FieldDescriptorProto_Type.STRING, label: FieldDescriptorProto_Label.OPTIONAL };
const METHODS = [method('Unary'), method('Read'), method('Collect', true), method('Expand', false, true), method('Chat', true, true)];
const FILE = create(FileDescriptorProtoSchema, {
  ...{ name: 'test.proto', package: 'test', syntax: 'proto3' },
  messageType: [{ name: 'Text', field: [FIELD] }],
  service: [{ name: 'ConnectEcho', method: METHODS }],
});
const REGISTRY = createFileRegistry(FILE, () => undefined);

/** The message of all methods: a text. */
export const TEXT = REGISTRY.getMessage('test.Text') as GenMessage<Text>;
const ECHO = REGISTRY.getService('test.ConnectEcho') as EchoService;

/**
 * Answers Unary and Read with the text they get, Collect with all texts in one, Expand with each character, Chat with each text.
 * Headers of a call: `x-echo` comes back as header and trailer, `x-fail: 5` ends it with that code and a detail, `x-hang` never ends it.
 */
export class ConnectServer {
  /** The HTTP methods of the calls so far. */
  readonly methods: string[] = [];
  /** Of each call so far, milliseconds; undefined without a timeout. */
  readonly timeouts: (number | undefined)[] = [];
  /** Codings of the calls so far, as the server reads them: of a body, or of the messages of a stream. */
  readonly codings: (string | null)[] = [];
  /** Number of calls that ended before their answer. */
  cancelled = 0;
  readonly #server: http.Server | http2.Http2Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(version: '1.1' | '2') {
    const handler = connectNodeAdapter({ routes: (router) => this.#route(router) });
    this.#server = version === '2' ? http2.createServer(handler) : http.createServer(handler);
    this.#server.on('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** HTTP/2 is without TLS, by prior knowledge. */
  static async start(version: '1.1' | '2'): Promise<ConnectServer> {
    const made = new ConnectServer(version);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    return made;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  #route(router: ConnectRouter): void {
    const begin = (context: HandlerContext): Promise<void> => this.#begin(context);
    const one = async (text: Text, context: HandlerContext): Promise<Text> => begin(context).then(() => text);
    router.service(ECHO, {
      unary: one,
      read: one,
      async collect(texts, context) {
        await begin(context);
        let text = '';
        for await (const each of texts) text += each.text;
        return create(TEXT, { text });
      },
      async *expand({ text }, context) {
        await begin(context);
        for (const each of text) yield create(TEXT, { text: each });
      },
      async *chat(texts, context) {
        await begin(context);
        yield* texts;
      },
    });
  }

  async #begin({ requestMethod, requestHeader, responseHeader, responseTrailer, signal, timeoutMs }: HandlerContext): Promise<void> {
    this.methods.push(requestMethod);
    this.timeouts.push(timeoutMs());
    this.codings.push(requestHeader.get('connect-content-encoding') ?? requestHeader.get('content-encoding'));
    const echoed = requestHeader.get('x-echo');
    if (echoed !== null) for (const headers of [responseHeader, responseTrailer]) headers.set('x-echo', echoed);
    const code = Number(requestHeader.get('x-fail'));
    const details = [{ desc: TEXT, value: { text: 'why' } }];
    if (code > 0) throw new ConnectError(`failed with ${Code[code]}: é%`, code, { 'x-meta': 'data' }, details);
    if (!requestHeader.has('x-hang')) return;
    signal.addEventListener('abort', () => this.cancelled++);
    await new Promise(() => undefined);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

type ClientOptions = Pick<
  ConnectTransportOptions,
  'useBinaryFormat' | 'useHttpGet' | 'acceptCompression' | 'sendCompression' | 'compressMinBytes'
>;

/** A client of the service at a port, with the protocol Connect; it is closed at the end of the test. */
export function connectClient(port: number, httpVersion: '1.1' | '2', options: Partial<ClientOptions> = {}): Client<EchoService> {
  const own = { baseUrl: `http://127.0.0.1:${port}`, ...options };
  if (httpVersion === '1.1') return createClient(ECHO, createConnectTransport({ ...own, httpVersion }));
  const sessionManager = new Http2SessionManager(own.baseUrl);
  closeLater(() => sessionManager.abort());
  return createClient(ECHO, createConnectTransport({ ...own, httpVersion, sessionManager }));
}

/** The texts of a stream of answers. */
export async function textsOf(answers: AsyncIterable<Text>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of answers) texts.push(text);
  return texts;
}

/** The error that a call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: unknown) => ConnectError.from(error),
  );
}
