// Clients of HTTP/2: node:http2, which shares nothing with the product, and one of frames, however wrong they are.
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { HpackDecoder } from '../../proxy/codec/hpack/decoder.ts';
import { closeLater } from './fixture.ts';
import { until } from './until.ts';

/** What came back on a stream. */
export interface H2Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http2.IncomingHttpHeaders;
}

/** Opens a session by prior knowledge, or by ALPN with `ca`; it is destroyed at the end of the test. */
export function openSession(port: number, options: http2.SecureClientSessionOptions = {}, secure = false): http2.ClientHttp2Session {
  const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, options);
  session.on('error', () => undefined);
  closeLater(() => session.destroy());
  return session;
}

/** Opens a stream; `body` undefined ends it with its head. Header `:authority` is `a` unless given. */
export function openStream(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, ended: boolean): http2.ClientHttp2Stream {
  const stream = session.request({ ':authority': 'a', ':path': '/', ...headers }, { endStream: ended });
  stream.on('error', () => undefined);
  return stream;
}

/** The whole answer on a stream. Rejects when the stream is reset before its end. */
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

export const TYPE = {
  ...{ data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 },
};
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** The bytes of a frame. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A payload of 32-bit numbers. */
export function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => payload.writeUInt32BE(value, i * 4));
  return payload;
}

/** The payload of a SETTINGS frame. */
export function settings(...entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return payload;
}

/** A header block of literals that no table learns. */
export function literals(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(value: string): Buffer {
  const octets = Buffer.from(value, 'latin1');
  if (octets.length < 127) return Buffer.concat([Buffer.from([octets.length]), octets]);
  const length = [127];
  let rest = octets.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), octets]);
}

export const GET = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a'],
  [':path', '/'],
] as const;

/** A request without a body. */
export function get(stream: number, ...fields: readonly (readonly [string, string])[]): Buffer {
  return frame(TYPE.headers, END_STREAM | END_HEADERS, stream, literals(...GET, ...fields));
}

/** The head of a request with one. */
export function post(stream: number, ...fields: readonly (readonly [string, string])[]): Buffer {
  return frame(TYPE.headers, END_HEADERS, stream, literals([':method', 'POST'], ...GET.slice(1), ...fields));
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
  /** Octets before the first frame that are still to come. */
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

  /** Resolves once the peer has taken all that was written: it answers a PING behind it. */
  async sync(): Promise<void> {
    const payload = numbers(0x5379_6e63, ++this.#pings);
    this.write(frame(TYPE.ping, 0, 0, payload));
    await until(() => this.closed || this.of(TYPE.ping).some((received) => received.payload.equals(payload)), 'the answer to a PING');
  }

  /** Frames of a type so far, on one stream or on all. */
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
  /** Connects, and says the preface unless told otherwise. */
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
