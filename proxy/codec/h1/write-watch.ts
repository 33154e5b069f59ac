// Cuts a peer that receives nothing of the bytes written to it, or too little.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { Lag } from '../../exchange/lag.ts';
import type { Limits } from '../../exchange/limits.ts';
import { cut } from './cut.ts';
import { takenOf } from './taken.ts';

/** The number of checks per timeout, and their shortest interval in milliseconds. */
const LOOKS_PER_TIMEOUT = 16;
const MIN_INTERVAL = 25;

export class WriteWatch {
  readonly #socket: net.Socket;
  readonly #wheel: TimerWheel;
  readonly #timeout: number;
  readonly #lag: Lag;
  readonly #timer = new Timer(() => this.#look());
  /** Bytes that the peer had received at the last check. */
  #taken = 0;
  #patient = false;

  constructor(socket: net.Socket, wheel: TimerWheel, limits: Limits) {
    this.#socket = socket;
    this.#wheel = wheel;
    this.#timeout = limits.downstreamWriteTimeout;
    this.#lag = new Lag(limits.minResponseRate);
  }

  /** The peer is behind: watches it until everything is written. `patient`: any progress is enough. */
  start(patient: boolean): void {
    this.#patient = patient;
    if (this.#lag.running) return;
    this.#lag.begin(this.#wheel.now);
    this.#taken = takenOf(this.#socket);
    this.#arm(this.#timeout);
  }

  stop(): void {
    if (!this.#lag.running) return;
    this.#lag.pause(this.#wheel.now);
    this.#wheel.disarm(this.#timer);
  }

  /** The lag of the peer, milliseconds; 0 if it is not watched. */
  lag(): number {
    if (!this.#lag.running) return 0;
    const now = this.#wheel.now;
    const taken = takenOf(this.#socket);
    const octets = taken - this.#taken;
    this.#taken = taken;
    if (octets > 0) this.#lag.moved(octets, now, this.#patient);
    return this.#lag.at(now);
  }

  /** Checks again when the limit may be reached, and a few times before: progress counts from the time it is seen. */
  #arm(left: number): void {
    if (this.#timeout > 0) this.#wheel.arm(this.#timer, Math.max(MIN_INTERVAL, Math.min(left, this.#timeout / LOOKS_PER_TIMEOUT)));
  }

  #look(): void {
    const left = this.#timeout - this.lag();
    if (this.#socket.writableLength === 0) this.stop();
    else if (left <= 0) cut(this.#socket);
    else this.#arm(left);
  }
}
