// The origin of `grpc`: answers every call with its own message, and status 0 in trailers. It handles frames only and reads no headers, so
// that it takes less of the core that it shares with the load than a real gRPC server.
//
//   node bench/origins/grpc.ts PORT
import net from 'node:net';

const PREFACE_BYTES = 24;
const FRAME_HEADER = 9;
const [DATA, HEADERS, SETTINGS, PING] = [0, 1, 4, 6];
const [END_STREAM, ACK, END_HEADERS] = [0x1, 0x1, 0x4];
/** Windows large enough for one benchmark without updates; the window of the connection is refilled. */
const STREAM_WINDOW = 1_000_000;
const GIVE_BACK = 1 << 19;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEADER);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
}

const OWN_SETTINGS = frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 4, 0, 0, 4, 0, 0x0f, 0x42, 0x40]));
/** :status 200 is entry 8 of the static table. */
const HEAD = frame(HEADERS, END_HEADERS, 0, Buffer.concat([Buffer.from([0x88]), literal('content-type', 'application/grpc')]));
const TRAILERS = frame(HEADERS, END_HEADERS | END_STREAM, 0, Buffer.concat([literal('grpc-status', '0'), literal('grpc-message', '')]));

class Connection {
  readonly #socket: net.Socket;
  /** The message of a stream until its end has arrived. */
  readonly #messages = new Map<number, Buffer>();
  #rest: Buffer = Buffer.alloc(0);
  #skip = PREFACE_BYTES;
  #used = 0;
  #out: Buffer[] = [];

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay();
    socket.write(Buffer.concat([OWN_SETTINGS, this.#update(STREAM_WINDOW * 100)]));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
  }

  #update(octets: number): Buffer {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(octets);
    return frame(8, 0, 0, payload);
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    bytes = bytes.subarray(skipped);
    while (bytes.length >= FRAME_HEADER) {
      const end = FRAME_HEADER + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      this.#take(bytes[3] as number, bytes[4] as number, bytes.readUInt32BE(5), bytes.subarray(FRAME_HEADER, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = Buffer.from(bytes);
    if (this.#out.length > 0) this.#socket.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === SETTINGS && (flags & ACK) === 0) this.#out.push(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    if (type === PING && (flags & ACK) === 0) this.#out.push(frame(PING, ACK, 0, payload));
    if (type === DATA) this.#takeData(stream, payload);
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) this.#answer(stream);
  }

  #takeData(stream: number, payload: Buffer): void {
    const before = this.#messages.get(stream);
    this.#messages.set(stream, before === undefined ? Buffer.from(payload) : Buffer.concat([before, payload]));
    this.#used += payload.length;
    if (this.#used < GIVE_BACK) return;
    this.#out.push(this.#update(this.#used));
    this.#used = 0;
  }

  #answer(stream: number): void {
    const message = frame(DATA, 0, stream, this.#messages.get(stream) ?? Buffer.alloc(0));
    this.#messages.delete(stream);
    const [head, trailers] = [Buffer.from(HEAD), Buffer.from(TRAILERS)];
    head.writeUInt32BE(stream, 5);
    trailers.writeUInt32BE(stream, 5);
    this.#out.push(head, message, trailers);
  }
}

net.createServer((socket) => new Connection(socket)).listen(Number(process.argv[2]), '127.0.0.1');
