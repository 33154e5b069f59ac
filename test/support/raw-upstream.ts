// A backend of raw bytes: records the bytes it receives and sends the bytes that a test gives.
import { once } from 'node:events';
import net from 'node:net';
import { readMessage } from './message.ts';
import type { Message } from './message.ts';
import { until } from './until.ts';

/** One connection to the backend. */
export interface UpstreamConnection {
  readonly socket: net.Socket;
  /** Everything received, latin1. */
  received: string;
  octets: number;
  readonly requests: Message[];
  ended: boolean;
  closed: boolean;
}

/** Handles a complete request: returns bytes to send, or null if it has answered itself. */
export type Respond = (request: Message, connection: UpstreamConnection) => string | null;

/** How a backend behaves. */
export interface UpstreamBehaviour {
  readonly respond?: Respond;
  /** Called with every connection, before the first read. */
  readonly connected?: (connection: UpstreamConnection) => void;
  /** Called with every chunk received. */
  readonly data?: (connection: UpstreamConnection, chunk: Buffer) => void;
  /** If false, bytes are counted instead of kept; nothing is parsed. */
  readonly keep?: boolean;
}

/** `HTTP/1.1 200 OK` with a body of a known length. */
export function ok(body = 'ok', headers = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body, 'latin1')}\r\n${headers}\r\n${body}`;
}

export class RawUpstream {
  readonly connections: UpstreamConnection[] = [];
  readonly #server: net.Server;
  #behaviour: UpstreamBehaviour;

  private constructor(behaviour: UpstreamBehaviour) {
    this.#behaviour = behaviour;
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** A string answers every request. */
  static async start(behaviour: string | Respond | UpstreamBehaviour = ok()): Promise<RawUpstream> {
    const upstream = new RawUpstream(asBehaviour(behaviour));
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** All requests received so far, in order of connections. */
  get requests(): readonly Message[] {
    return this.connections.flatMap((connection) => connection.requests);
  }

  /** Connections that are open now. */
  get open(): number {
    return this.connections.filter(({ closed }) => !closed).length;
  }

  /** Changes the behaviour, and forgets closed connections. */
  become(behaviour: string | Respond | UpstreamBehaviour): void {
    this.#behaviour = asBehaviour(behaviour);
  }

  forget(): void {
    this.connections.splice(0, this.connections.length, ...this.connections.filter(({ closed }) => !closed));
  }

  /** Resolves to the `n`th request (from 1). */
  async request(n = 1): Promise<Message> {
    await until(() => this.requests.length >= n, `request ${n} at the backend`);
    return this.requests[n - 1] as Message;
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: net.Socket): void {
    const connection: UpstreamConnection = { socket, received: '', octets: 0, requests: [], ended: false, closed: false };
    this.connections.push(connection);
    let used = 0;
    socket.on('data', (chunk: Buffer) => {
      connection.octets += chunk.length;
      this.#behaviour.data?.(connection, chunk);
      if (this.#behaviour.keep === false) return;
      connection.received += chunk.latin1Slice();
      used = this.#answer(connection, used);
    });
    socket.on('end', () => {
      connection.ended = true;
      // Like real backends it ends its side after the end of the client, unless a test changes that.
      if (this.#behaviour.connected === undefined) socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => (connection.closed = true));
    this.#behaviour.connected?.(connection);
  }

  #answer(connection: UpstreamConnection, start: number): number {
    let used = start;
    for (;;) {
      const request = readMessage(connection.received.slice(used), false);
      if (request === null) return used;
      used += request.raw.length;
      connection.requests.push(request);
      const answer = this.#behaviour.respond?.(request, connection) ?? null;
      if (answer !== null) connection.socket.write(answer, 'latin1');
    }
  }
}

function asBehaviour(behaviour: string | Respond | UpstreamBehaviour): UpstreamBehaviour {
  if (typeof behaviour === 'string') return { respond: () => behaviour };
  return typeof behaviour === 'function' ? { respond: behaviour } : behaviour;
}
