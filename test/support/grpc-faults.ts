// Collectors that take nothing as they should, over gRPC: each call is answered by a script, on the frames' level of HTTP/2.
import { createServer } from 'node:http2';
import type { Http2Server, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { HeldUntil } from './held-until.ts';

/** How a call is answered, after its whole body. */
export type GrpcAnswer = (stream: ServerHttp2Stream) => void;

export class FaultyGrpcCollector {
  readonly #server: Http2Server;
  readonly #sockets = new Set<Socket>();
  readonly #calls = new HeldUntil<string>();
  #answer: GrpcAnswer = (stream) => answerCall(stream);
  #sent = 0;

  private constructor() {
    this.#server = createServer();
    this.#server.on('session', (session) => session.on('error', () => undefined));
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#sent += socket.bytesWritten;
      });
    });
    this.#server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => undefined);
      stream.resume();
      stream.on('end', () => {
        this.#calls.add(String(headers[':path']));
        this.#answer(stream);
      });
    });
  }

  static async start(): Promise<FaultyGrpcCollector> {
    const collector = new FaultyGrpcCollector();
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Bytes that the connections took from the collector. */
  get sent(): number {
    let sent = this.#sent;
    for (const { bytesWritten } of this.#sockets) sent += bytesWritten;
    return sent;
  }

  answerWith(answer: GrpcAnswer): void {
    this.#answer = answer;
  }

  /** The method of the next call. */
  next(): Promise<string> {
    return this.#calls.next();
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Answers with this message and status, and with these headers in place of the usual ones. */
export function answerCall(
  stream: ServerHttp2Stream,
  { message = frameOf(Buffer.alloc(0)), status = '0', headers = {}, trailers = {} }: AnswerParts = {},
): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ ...(status === '' ? {} : { 'grpc-status': status }), ...trailers }));
  stream.end(message);
}

export interface AnswerParts {
  readonly message?: Buffer;
  /** '': none. */
  readonly status?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly trailers?: OutgoingHttpHeaders;
}

/** A message with its prefix. */
export function frameOf(body: Buffer, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Answers without an end: the same bytes again and again, as fast as they are taken. */
export function answerForever(stream: ServerHttp2Stream, bytes: Buffer): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  const more = (): void => {
    while (!stream.destroyed && stream.write(bytes));
    if (!stream.destroyed) stream.once('drain', more);
  };
  more();
}
