// Looks at a connection a few times per timeout while it has streams, and finds what makes no progress: no stream needs a timer
// of its own, nor a clock.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../../exchange/limits.ts';
import type { H2Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** What is to be done about what stands still. */
export interface ProgressOwner {
  /** The peer owes a body and sends nothing of it. */
  requestStalled(stream: H2Stream): void;
  /** The peer opens no window for an answer. */
  answerStalled(stream: H2Stream): void;
  /** The peer takes nothing of what is written. */
  socketStalled(): void;
}

type Timeouts = Pick<Limits, 'requestBodyIdleTimeout' | 'downstreamWriteTimeout'>;

/** How often per timeout, and how often at most and at least, in milliseconds. */
const LOOKS_PER_TIMEOUT = 4;
const MIN_INTERVAL = 25;
const MAX_INTERVAL = 15_000;

export class Progress {
  /** Counts looks: by this streams tell how long ago something was. */
  tick = 0;
  readonly #owner: ProgressOwner;
  readonly #streams: StreamTable;
  readonly #socket: net.Socket;
  readonly #wheel: TimerWheel;
  readonly #timeouts: Timeouts;
  readonly #interval: number;
  readonly #timer = new Timer(() => this.#look());
  #taken = 0;
  #takenAt = 0;

  constructor(owner: ProgressOwner, streams: StreamTable, socket: net.Socket, wheel: TimerWheel, timeouts: Timeouts) {
    this.#owner = owner;
    this.#streams = streams;
    this.#socket = socket;
    this.#wheel = wheel;
    this.#timeouts = timeouts;
    this.#interval = interval(timeouts);
  }

  /** Looks from now on, as long as there are streams. */
  start(): void {
    if (!this.#timer.armed) this.#wheel.arm(this.#timer, this.#interval);
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  #look(): void {
    this.tick++;
    this.#lookAtSocket();
    for (const stream of this.#streams.snapshot()) {
      if (!stream.owesBody) stream.receivedAt = this.tick;
      else if (this.#isOver(stream.receivedAt, this.#timeouts.requestBodyIdleTimeout)) this.#owner.requestStalled(stream);
      if (stream.waiting && this.#isOver(stream.sentAt, this.#timeouts.downstreamWriteTimeout)) this.#owner.answerStalled(stream);
    }
    if (this.#streams.size > 0) this.start();
  }

  #lookAtSocket(): void {
    const { writableLength, bytesWritten } = this.#socket;
    const taken = bytesWritten - writableLength;
    if (writableLength === 0 || taken !== this.#taken) this.#takenAt = this.tick;
    this.#taken = taken;
    if (this.#isOver(this.#takenAt, this.#timeouts.downstreamWriteTimeout)) this.#owner.socketStalled();
  }

  #isOver(since: number, timeout: number): boolean {
    return timeout > 0 && (this.tick - since) * this.#interval > timeout;
  }
}

function interval({ requestBodyIdleTimeout, downstreamWriteTimeout }: Timeouts): number {
  const shortest = Math.min(requestBodyIdleTimeout || Infinity, downstreamWriteTimeout || Infinity);
  return Math.max(MIN_INTERVAL, Math.min(MAX_INTERVAL, shortest / LOOKS_PER_TIMEOUT));
}
