// The first bytes on a connection with the PROXY protocol: the header of a balancer, before TLS and requests. Collects it from any number
// of reads, and passes on the bytes after it.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { readProxyHeader } from '../codec/proxy-protocol/read.ts';
import type { ProxiedPeer } from '../codec/proxy-protocol/read.ts';
import type { Timers } from './port-context.ts';

/**
 * The reason to refuse a connection: an untrusted source, a missing or invalid header, a timeout, or a close before the end of the header.
 */
export type ProxyHeaderFailure = 'untrusted' | 'malformed' | 'timeout' | 'closed';

export interface ProxyHeaderOptions {
  readonly wheel: Timers;
  /** From accept to the last byte of the header, milliseconds. */
  readonly timeout: number;
  /** The header is complete. `rest`: the bytes after it. */
  readonly done: (peer: ProxiedPeer | null, rest: Buffer) => void;
  /** The header is missing or invalid; the connection is reset. */
  readonly failed: (reason: ProxyHeaderFailure) => void;
}

export class ProxyHeaderReader {
  readonly #socket: net.Socket;
  readonly #options: ProxyHeaderOptions;
  readonly #deadline: Timer;
  #bytes: Buffer | null = null;
  #over = false;

  /** Takes a socket before its first read; the caller reads it and passes the bytes to `data`. */
  constructor(socket: net.Socket, options: ProxyHeaderOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#deadline = new Timer(() => this.#fail('timeout'));
    options.wheel.arm(this.#deadline, options.timeout);
    // Permanent, so that a reset between two owners is never unhandled.
    socket.on('error', ignore);
    socket.on('end', this.#ended);
    socket.on('close', this.#ended);
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    const bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk]);
    const header = readProxyHeader(bytes);
    if (header.kind === 'malformed') return this.#fail('malformed');
    if (header.kind === 'incomplete') {
      this.#bytes = this.#bytes === null ? Buffer.from(chunk) : bytes;
      return;
    }
    this.#settle();
    this.#options.done(header.peer, bytes.subarray(header.length));
  }

  /** Abandons the connection. */
  cut(): void {
    this.#fail('closed');
  }

  readonly #ended = (): void => this.#fail('closed');

  #fail(reason: ProxyHeaderFailure): void {
    if (this.#over) return;
    this.#settle();
    this.#options.failed(reason);
    this.#socket.resetAndDestroy();
  }

  #settle(): void {
    this.#over = true;
    this.#bytes = null;
    this.#options.wheel.disarm(this.#deadline);
    this.#socket.off('end', this.#ended);
    this.#socket.off('close', this.#ended);
  }
}

function ignore(): void {
  // 'close' follows in any case.
}
