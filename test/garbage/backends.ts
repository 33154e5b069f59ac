// Backends whose behaviour depends on the path of the request: of HTTP/1.1, of HTTP/2, and of raw bytes.
import { once } from 'node:events';
import net from 'node:net';
import { cut } from '../../proxy/codec/h1/cut.ts';
import { HpackDecoder } from '../../proxy/codec/hpack/decoder.ts';
import { END_HEADERS, END_STREAM, frame, literals, numbers, PREFACE, TYPE } from '../support/h2-frames.ts';

export type End = 'reset' | 'end';

/** The bytes that a backend sends, and whether it ends or resets the connection after them. */
export interface Reply {
  readonly bytes: Buffer;
  readonly ends?: End;
  /** More bytes, in small pieces with pauses, for as long as the connection lasts. */
  readonly trickle?: Buffer;
}

/** The pause between two pieces. */
const TRICKLE_MS = 20;

/** Replies by path; `stream` is that of the request. */
export type Replies = ReadonlyMap<string, (stream: number) => Reply>;

/** A listening server, and its number of open connections. */
export abstract class Backend {
  open = 0;
  /** Called when a request has arrived. */
  readonly arrivals = new Set<() => void>();
  readonly #sockets = new Set<net.Socket>();
  readonly #server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  async listen(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  /** Resets every open connection. */
  reset(): void {
    for (const socket of this.#sockets) cut(socket);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  protected abstract serve(socket: net.Socket): void;

  protected answer(socket: net.Socket, { bytes, ends, trickle }: Reply): void {
    if (ends === 'end') socket.end(bytes);
    else if (ends === 'reset') socket.write(bytes, () => cut(socket));
    else if (bytes.length > 0) socket.write(bytes);
    if (trickle !== undefined) repeat(socket, trickle);
    for (const arrived of this.arrivals) arrived();
  }

  #accept(socket: net.Socket): void {
    this.open++;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.open--;
      this.#sockets.delete(socket);
    });
    this.serve(socket);
  }
}

function repeat(socket: net.Socket, piece: Buffer): void {
  const timer = setInterval(() => socket.write(piece), TRICKLE_MS);
  socket.once('close', () => clearInterval(timer));
}

/** Recognises a request of HTTP/1.1 by a read that begins with its method and path. */
export class H1Backend extends Backend {
  readonly #replies: Replies;

  constructor(replies: Replies) {
    super();
    this.#replies = replies;
  }

  protected serve(socket: net.Socket): void {
    socket.on('data', (chunk: Buffer) => {
      const [, path = ''] = chunk.latin1Slice(0, 64).split(' ');
      const reply = this.#replies.get(path);
      if (reply !== undefined) this.answer(socket, reply(0));
    });
  }
}

/** Bytes: the first read names the reply. */
export class TcpBackend extends Backend {
  readonly #replies: Replies;

  constructor(replies: Replies) {
    super();
    this.#replies = replies;
  }

  protected serve(socket: net.Socket): void {
    socket.once('data', (chunk: Buffer) => this.answer(socket, this.#replies.get(chunk.latin1Slice())?.(0) ?? { bytes: chunk }));
  }
}

/** Frames: SETTINGS, then those for the path of each request. */
export class H2FrameBackend extends Backend {
  readonly #replies: Replies;

  constructor(replies: Replies) {
    super();
    this.#replies = replies;
  }

  protected serve(socket: net.Socket): void {
    const decoder = new HpackDecoder({ tableSize: 4_096, maxListSize: 65_536, maxHeaders: 128 });
    let rest: Buffer = Buffer.alloc(0);
    let skip = PREFACE.length;
    socket.write(frame(TYPE.settings, 0, 0));
    socket.on('data', (chunk: Buffer) => {
      const skipped = Math.min(skip, chunk.length);
      skip -= skipped;
      rest = Buffer.concat([rest, chunk.subarray(skipped)]);
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const end = 9 + rest.readUIntBE(0, 3);
        this.#take(socket, decoder, rest.subarray(0, end));
        rest = rest.subarray(end);
      }
    });
  }

  #take(socket: net.Socket, decoder: HpackDecoder, received: Buffer): void {
    const [type, flags] = [received[3] as number, received[4] as number];
    if (type === TYPE.settings && (flags & 1) === 0) socket.write(frame(TYPE.settings, 1, 0));
    if (type === TYPE.ping && (flags & 1) === 0) socket.write(frame(TYPE.ping, 1, 0, received.subarray(9)));
    if (type !== TYPE.headers) return;
    const fields: string[] = [];
    decoder.decode(received, 9, received.length, fields);
    const path = fields[fields.indexOf(':path') + 1] ?? '';
    const stream = received.readUInt32BE(5);
    const reply = this.#replies.get(path.replace('/h2', ''));
    if (reply !== undefined) this.answer(socket, reply(stream));
  }
}

const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');
const reply = (bytes: string, ends?: End) => (): Reply => ({ bytes: text(bytes), ...(ends !== undefined && { ends }) });
const LARGE = `HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n${'x'.repeat(20_000)}`;
const CHUNKS = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n';

export const H1_REPLIES: Replies = new Map([
  ['/', reply('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')],
  ['/never', reply('')],
  ['/large', reply(LARGE)],
  ['/upgrade', reply('HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x02hi')],
  ['/reset', reply('', 'reset')],
  ['/end', reply('', 'end')],
  ['/garbage', reply('\x16\x03\x01 garbage\r\n\r\n')],
  ['/head-end', reply('HTTP/1.1 200 OK\r\nconte', 'end')],
  ['/head-reset', reply('HTTP/1.1 200 OK\r\nconte', 'reset')],
  ['/head-garbage', reply('HTTP/1.1 200 OK\r\n\0\0: x\r\n\r\n')],
  ['/informational-garbage', reply('HTTP/1.1 103 Early Hints\r\n\r\ngarbage\r\n\r\n')],
  ['/body-end', reply(LARGE, 'end')],
  ['/chunks-end', reply(CHUNKS, 'end')],
  ['/chunks-garbage', reply(`${CHUNKS}garbage\r\n`)],
  ['/trailers-garbage', reply(`${CHUNKS}0\r\n\0: x\r\n\r\n`)],
  ['/after-garbage', reply('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokgarbage')],
]);

export const TCP_REPLIES: Replies = new Map([
  ['reset', reply('', 'reset')],
  ['end', reply('', 'end')],
  ['part', reply('part')],
]);

const head = (stream: number, flags = 0, ...fields: readonly (readonly [string, string])[]): Buffer =>
  frame(TYPE.headers, END_HEADERS | flags, stream, literals([':status', '200'], ...fields));
const frames =
  (make: (stream: number) => readonly Buffer[], ends?: End) =>
  (stream: number): Reply => ({ bytes: Buffer.concat(make(stream)), ...(ends !== undefined && { ends }) });
const goaway = (last: number, code: number): Buffer => frame(TYPE.goaway, 0, 0, numbers(last, code));

export const H2_REPLIES: Replies = new Map([
  ['/', frames((stream) => [head(stream), frame(TYPE.data, END_STREAM, stream, text('ok'))])],
  ['/never', frames(() => [])],
  ['/large', frames((stream) => [head(stream, 0, ['content-length', '400000']), frame(TYPE.data, 0, stream, Buffer.alloc(16_000))])],
  ['/reset', frames(() => [], 'reset')],
  ['/end', frames(() => [], 'end')],
  ['/garbage', frames(() => [text('HTTP/1.1 400 Bad Request\r\n\r\n'), Buffer.alloc(40_000, 0xff)])],
  ['/stream-reset', frames((stream) => [frame(TYPE.reset, 0, stream, numbers(2))])],
  ['/refused', frames((stream) => [frame(TYPE.reset, 0, stream, numbers(7))])],
  ['/goaway', frames(() => [goaway(0, 2)], 'end')],
  ['/head-garbage', frames((stream) => [frame(TYPE.headers, END_HEADERS, stream, literals([':status', '200'], ['X-Upper', 'x']))])],
  ['/head-compression', frames((stream) => [frame(TYPE.headers, END_HEADERS, stream, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))])],
  ['/head-end', frames((stream) => [head(stream).subarray(0, 12)], 'end')],
  ['/head-twice', frames((stream) => [head(stream), head(stream)])],
  ['/data-first', frames((stream) => [frame(TYPE.data, END_STREAM, stream, text('ok'))])],
  [
    '/body-stream-reset',
    frames((stream) => [
      ...[head(stream, 0, ['content-length', '9']), frame(TYPE.data, 0, stream, text('hello'))],
      frame(TYPE.reset, 0, stream, numbers(2)),
    ]),
  ],
  ['/body-short', frames((stream) => [head(stream, 0, ['content-length', '9']), frame(TYPE.data, END_STREAM, stream, text('hello'))])],
  ['/body-long', frames((stream) => [head(stream, 0, ['content-length', '2']), frame(TYPE.data, END_STREAM, stream, text('hello'))])],
  [
    '/trailers-garbage',
    frames((stream) => [
      ...[head(stream), frame(TYPE.data, 0, stream, text('hello'))],
      frame(TYPE.headers, END_HEADERS | END_STREAM, stream, literals([':status', '200'])),
    ]),
  ],
]);
