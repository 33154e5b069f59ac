// A client of a hub for the soak: reads frames as cheaply as it can, since thousands of clients share a process.
import { once } from 'node:events';
import net from 'node:net';
import { acceptFor, newKey } from '../../proxy/codec/websocket/accept.ts';

/** Counts over all clients. */
export interface HubTally {
  delivered: number;
  /** Messages that came neither after the one before nor at all in between. */
  disordered: number;
  dropped: number;
  /** Milliseconds from publication to delivery, of one message in a hundred. */
  readonly delays: number[];
}

const TEXT = 0x81;
const MASKED = 0x80;
const SHORT = 126;
const DATA = '"data":[';
const SAMPLED = 100;

export class HubSoakClient {
  readonly socket: net.Socket;
  readonly #tally: HubTally;
  #rest: Buffer = Buffer.alloc(0);
  /** The number of the last message of its topic; -1 before the first. */
  last = -1;
  isSubscribed = false;

  private constructor(socket: net.Socket, tally: HubTally) {
    this.socket = socket;
    this.#tally = tally;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => tally.dropped++);
  }

  /** Connects to `/?<query>`. */
  static async open(port: number, query: string, tally: HubTally): Promise<HubSoakClient> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => undefined);
    const key = newKey();
    socket.write(
      `GET /?${query} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    let head = Buffer.alloc(0);
    while (!head.includes('\r\n\r\n')) head = Buffer.concat([head, ((await once(socket, 'data')) as [Buffer])[0]]);
    if (!head.includes(acceptFor(key))) throw new Error(`no agreement: ${head.latin1Slice()}`);
    const client = new HubSoakClient(socket, tally);
    client.#take(head.subarray(head.indexOf('\r\n\r\n') + 4));
    return client;
  }

  /** Sends a text of at most 125 bytes. A mask of zeros does not change it. */
  say(text: string): void {
    const payload = Buffer.from(text);
    this.socket.write(Buffer.concat([Buffer.from([TEXT, MASKED | payload.length, 0, 0, 0, 0]), payload]));
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const isLong = bytes[at + 1] === SHORT;
      const start = at + (isLong ? 4 : 2);
      if (bytes.length < start) break;
      const end = start + (isLong ? bytes.readUInt16BE(at + 2) : (bytes[at + 1] as number));
      if (bytes.length < end) break;
      if (bytes[at] === TEXT) this.#message(bytes.latin1Slice(start, end));
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  #message(text: string): void {
    const start = text.indexOf(DATA);
    if (start < 0) {
      this.isSubscribed ||= text.includes('"subscribed"');
      return;
    }
    const comma = text.indexOf(',', start);
    const number = Number(text.slice(start + DATA.length, comma));
    if (number !== this.last + 1) this.#tally.disordered++;
    this.last = number;
    if (this.#tally.delivered++ % SAMPLED === 0) this.#tally.delays.push(performance.now() - Number(text.slice(comma + 1, -2)));
  }
}
