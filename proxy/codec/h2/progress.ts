// Looks at a connection a few times per timeout while it has streams, and when the time of one of them is up, and finds what makes
// no progress: no stream needs a timer of its own.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { takenOf } from '../h1/taken.ts';
import type { H2Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** What is to be done about what stands still. */
export interface ProgressOwner<S> {
  /** The peer owes something on the stream and sends nothing of it. */
  inboundStalled(stream: S): void;
  /** The peer opens no window for what waits on the stream. */
  outboundStalled(stream: S): void;
  /** The peer takes nothing of what is written. */
  socketStalled(): void;
  /** A look is over. Returns in how many milliseconds the owner wants another. */
  looked(): number;
}

/**
 * How long a peer may send nothing of what it owes, and take nothing of what waits for it, and how far it may be behind with
 * either: milliseconds, 0 is for ever.
 */
export interface Patience {
  readonly inbound: number;
  readonly outbound: number;
  /** How long both may be silent on a stream that may be silent. */
  readonly silence: number;
}

/** How often per timeout at least, and bounds of the time between two looks, in milliseconds. */
const LOOKS_PER_TIMEOUT = 4;
const MIN_INTERVAL = 25;
const MAX_INTERVAL = 15_000;

export class Progress<S extends H2Stream> {
  readonly #owner: ProgressOwner<S>;
  readonly #streams: StreamTable<S>;
  readonly #socket: net.Socket;
  readonly #wheel: TimerWheel;
  readonly #patience: Patience;
  readonly #interval: number;
  readonly #timer = new Timer(() => this.#look());
  /** Bytes that the peer had taken at the last look, and since when it has taken no more. */
  #taken = 0;
  #takenAt = 0;
  /** When to look again, milliseconds from now. */
  #next = 0;

  constructor(owner: ProgressOwner<S>, streams: StreamTable<S>, socket: net.Socket, wheel: TimerWheel, patience: Patience) {
    this.#owner = owner;
    this.#streams = streams;
    this.#socket = socket;
    this.#wheel = wheel;
    this.#patience = patience;
    this.#interval = interval(patience);
  }

  /** Looks from now on, as long as there are streams. */
  start(): void {
    if (this.#timer.armed) return;
    this.#takenAt = this.#wheel.now;
    this.#wheel.arm(this.#timer, this.#interval);
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  #look(): void {
    this.#next = this.#interval;
    this.#lookAtSocket();
    const { outbound } = this.#patience;
    for (const stream of this.#streams.snapshot()) {
      if (!stream.peerOwes) stream.receivedAt = this.#wheel.now;
      else if (this.#isSilent(stream)) this.#owner.inboundStalled(stream);
      if (stream.waiting && (this.#isOver(stream.sentAt, outbound) || this.#isBehind(stream.outboundLag, outbound))) {
        this.#owner.outboundStalled(stream);
      }
    }
    this.#isUp(this.#owner.looked());
    if (this.#streams.size > 0) this.#wheel.arm(this.#timer, Math.max(MIN_INTERVAL, this.#next));
  }

  #isSilent(stream: S): boolean {
    const { inbound, silence } = this.#patience;
    if (!stream.mayBeSilent) return this.#isOver(stream.receivedAt, inbound) || this.#isBehind(stream.inboundLag, inbound);
    return this.#isOver(Math.max(stream.receivedAt, stream.sentAt), silence);
  }

  #lookAtSocket(): void {
    const taken = takenOf(this.#socket);
    if (this.#socket.writableLength === 0 || taken !== this.#taken) this.#takenAt = this.#wheel.now;
    else if (this.#isOver(this.#takenAt, this.#patience.outbound)) this.#owner.socketStalled();
    this.#taken = taken;
  }

  /** Whether something was as long ago as a timeout is long. */
  #isOver(since: number, timeout: number): boolean {
    return this.#isBehind(this.#wheel.now - since, timeout);
  }

  #isBehind(lag: number, timeout: number): boolean {
    return timeout > 0 && this.#isUp(timeout - lag);
  }

  /** Whether no time is left. Where some is, the next look comes no later than its end. */
  #isUp(left: number): boolean {
    if (left > 0 && left < this.#next) this.#next = left;
    return left <= 0;
  }
}

function interval({ inbound, outbound }: Patience): number {
  const shortest = Math.min(inbound || Infinity, outbound || Infinity);
  return Math.max(MIN_INTERVAL, Math.min(MAX_INTERVAL, shortest / LOOKS_PER_TIMEOUT));
}
