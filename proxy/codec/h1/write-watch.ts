// Cuts a peer that takes nothing of what is written to it, or too little.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { Lag } from '../../exchange/lag.ts';
import type { Limits } from '../../exchange/limits.ts';
import { cut } from './cut.ts';
import { takenOf } from './taken.ts';

/** How often per timeout a peer that is behind is looked at, and how often at most, in milliseconds. */
const LOOKS_PER_TIMEOUT = 16;
const MIN_INTERVAL = 25;

export class WriteWatch {
  readonly #socket: net.Socket;
  readonly #wheel: TimerWheel;
  readonly #timeout: number;
  readonly #lag: Lag;
  readonly #timer = new Timer(() => this.#look());
  /** Bytes the peer had taken at the last look. */
  #taken = 0;
  #patient = false;

  constructor(socket: net.Socket, wheel: TimerWheel, limits: Limits) {
    this.#socket = socket;
    this.#wheel = wheel;
    this.#timeout = limits.downstreamWriteTimeout;
    this.#lag = new Lag(limits.minResponseRate);
  }

  /** The peer is behind: watches until all is written. `patient`: it may take as little as it likes, but not nothing. */
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

  /** How far the peer is behind, milliseconds; 0 when it is not watched. */
  lag(): number {
    if (!this.#lag.running) return 0;
    const now = this.#wheel.now;
    const taken = takenOf(this.#socket);
    const octets = taken - this.#taken;
    this.#taken = taken;
    if (octets > 0) this.#lag.moved(octets, now, this.#patient);
    return this.#lag.at(now);
  }

  /** Looks again when the limit may be reached, and before that a few times: what the peer takes counts from when it is seen. */
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
