// Cuts a peer that takes nothing of what is written to it.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { cut } from './cut.ts';

export class WriteWatch {
  readonly #socket: net.Socket;
  readonly #wheel: TimerWheel;
  readonly #timeout: number;
  readonly #timer = new Timer(() => this.#look());
  /** Bytes the peer had taken at the last look. */
  #taken = 0;

  /** `timeout`: how long the peer may take nothing, milliseconds. */
  constructor(socket: net.Socket, wheel: TimerWheel, timeout: number) {
    this.#socket = socket;
    this.#wheel = wheel;
    this.#timeout = timeout;
  }

  /** The peer is behind: watches until all is written. */
  start(): void {
    if (!this.#timer.armed) this.#arm();
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  #arm(): void {
    this.#taken = this.#socket.bytesWritten - this.#socket.writableLength;
    this.#wheel.arm(this.#timer, this.#timeout);
  }

  /** One that took a little gets as much time again. */
  #look(): void {
    if (this.#socket.writableLength === 0) return;
    if (this.#socket.bytesWritten - this.#socket.writableLength === this.#taken) cut(this.#socket);
    else this.#arm();
  }
}
