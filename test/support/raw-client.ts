// A client of raw bytes: sends the bytes of a test, valid or not, and records the answer.
import { once } from 'node:events';
import net from 'node:net';
import { readMessage } from './message.ts';
import type { Message } from './message.ts';
import { until } from './until.ts';

export class RawClient {
  readonly socket: net.Socket;
  /** Everything received and not yet taken by `answer`. */
  received = '';
  /** Bytes received in all. */
  octets = 0;
  ended = false;
  closed = false;
  /** Code of the error that ended the connection (ECONNRESET), or ''. */
  error = '';

  private constructor(socket: net.Socket, keep: boolean) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.octets += chunk.length;
      if (keep) this.received += chunk.latin1Slice();
    });
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code ?? 'unknown'));
  }

  /** `keep` false counts received bytes without keeping them. `from`: the local loopback address. */
  static async connect(port: number, keep = true, from = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true, noDelay: true });
    const client = new RawClient(socket, keep);
    await once(socket, 'connect');
    return client;
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Half-closes the connection. */
  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The next whole answer. `bodiless` after HEAD. */
  async answer(bodiless = false): Promise<Message> {
    let message = null as Message | null;
    let [length, ended] = [-1, false];
    await until(() => {
      if (this.received.length === length && this.ended === ended) return this.closed;
      [length, ended] = [this.received.length, this.ended];
      message = readMessage(this.received, ended, bodiless);
      return message !== null || this.closed;
    }, 'an answer');
    if (message === null) throw new Error(`closed (${this.error}) after ${JSON.stringify(this.received.slice(0, 500))}`);
    this.received = this.received.slice(message.raw.length);
    return message;
  }

  /** Sends a request and returns its answer. */
  async ask(bytes: string, bodiless = false): Promise<Message> {
    this.write(bytes);
    return this.answer(bodiless);
  }

  /** Resolves once the peer has closed or reset the connection. */
  async over(): Promise<void> {
    await until(() => this.ended || this.closed, 'the end of the connection');
  }
}
