// Clients of HTTP/2: node:http2, which shares no code with Weir, and one of raw frames, valid or not.
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { HpackDecoder } from '../../proxy/codec/hpack/decoder.ts';
import { closeLater } from './fixture.ts';
import { END_STREAM, frame, numbers, PREFACE, TYPE } from './h2-frames.ts';
import { until } from './until.ts';

export * from './h2-frames.ts';

/** The answer on a stream. */
export interface H2Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http2.IncomingHttpHeaders;
}

/** Opens a session by prior knowledge, or by ALPN with `ca`; it is closed at the end of the test. */
export function openSession(port: number, options: http2.SecureClientSessionOptions = {}, secure = false): http2.ClientHttp2Session {
  const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, options);
  session.on('error', () => undefined);
  closeLater(() => session.destroy());
  return session;
}

/** Opens a stream; without `body` it ends with its head. Header `:authority` is `a` unless given. */
export function openStream(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, ended: boolean): http2.ClientHttp2Stream {
  const stream = session.request({ ':authority': 'a', ':path': '/', ...headers }, { endStream: ended });
  stream.on('error', () => undefined);
  return stream;
}

/** The complete answer on a stream. Rejects if the stream is reset before its end. */
export async function answerOf(stream: http2.ClientHttp2Stream): Promise<H2Answer> {
  let headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
  let trailers: http2.IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (head) => (headers = head));
  stream.on('trailers', (tail) => (trailers = tail));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  if (headers[':status'] === undefined) throw new Error(`the stream ended without an answer (${stream.rstCode})`);
  return { status: headers[':status'], headers, body: Buffer.concat(chunks), trailers };
}

/** One request with its answer. */
export function request(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders = {}, body?: Buffer): Promise<H2Answer> {
  const stream = openStream(session, headers, body === undefined);
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

/** A frame received. `fields` of a header block, flat. */
export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
  readonly fields: readonly string[];
}

/** An end of a connection that speaks frames. */
export class FramePeer {
  readonly socket: net.Socket;
  readonly frames: ReceivedFrame[] = [];
  closed = false;
  readonly #decoder = new HpackDecoder({ tableSize: 4_096, maxListSize: 1e6, maxHeaders: 1e4 });
  #rest = Buffer.alloc(0);
  #pings = 0;
  /** Number of octets still expected before the first frame. */
  #skip: number;

  constructor(socket: net.Socket, skip = 0) {
    this.socket = socket;
    this.#skip = skip;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  write(...pieces: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(pieces));
  }

  /** Resolves once the peer has read all sent bytes: it answers a PING after them. */
  async sync(): Promise<void> {
    const payload = numbers(0x5379_6e63, ++this.#pings);
    this.write(frame(TYPE.ping, 0, 0, payload));
    await until(() => this.closed || this.of(TYPE.ping).some((received) => received.payload.equals(payload)), 'the answer to a PING');
  }

  /** The received frames of a type, on one stream or on all. */
  of(type: number, stream?: number): ReceivedFrame[] {
    return this.frames.filter((received) => received.type === type && (stream === undefined || received.stream === stream));
  }

  /** Status of the last answer on a stream, or undefined. */
  status(stream: number): string | undefined {
    return this.of(TYPE.headers, stream)
      .map(({ fields }) => fields[fields.indexOf(':status') + 1])
      .at(-1);
  }

  /** Resolves to the code of the GOAWAY that ends the connection. */
  async goaway(): Promise<number> {
    await until(() => this.of(TYPE.goaway).length > 0 || this.closed, 'GOAWAY');
    return this.of(TYPE.goaway).at(-1)?.payload.readUInt32BE(4) ?? -1;
  }

  /** Resolves to the code with which a stream is reset. */
  async reset(stream: number): Promise<number> {
    await until(() => this.of(TYPE.reset, stream).length > 0 || this.closed, 'RST_STREAM');
    return this.of(TYPE.reset, stream)[0]?.payload.readUInt32BE(0) ?? -1;
  }

  /** Resolves once a stream has been answered in full. */
  async answered(stream: number): Promise<void> {
    await until(() => this.frames.some((received) => received.stream === stream && isEnd(received)), `the end of stream ${stream}`);
  }

  #take(chunk: Buffer): void {
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(skipped)]);
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) return;
      const payload = this.#rest.subarray(9, end);
      const fields: string[] = [];
      if (this.#rest[3] === TYPE.headers) this.#decoder.decode(payload, 0, payload.length, fields);
      this.frames.push({
        ...{ type: this.#rest[3] as number, flags: this.#rest[4] as number },
        stream: this.#rest.readUInt32BE(5),
        payload,
        fields,
      });
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** A client of frames. */
export class FrameClient extends FramePeer {
  /** Connects, and sends the preface unless disabled. */
  static async connect(port: number, greeting: Buffer = Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)])): Promise<FrameClient> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new FrameClient(socket);
    closeLater(() => socket.destroy());
    await once(socket, 'connect');
    client.write(greeting);
    return client;
  }
}

function isEnd({ type, flags }: ReceivedFrame): boolean {
  return type <= TYPE.headers && (flags & END_STREAM) !== 0;
}
