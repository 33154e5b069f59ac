// Finds the streams of a connection without progress. It checks a few times per timeout, and when the time of a stream is up: so no
// stream needs its own timer.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { takenOf } from '../h1/taken.ts';
import type { H2Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** Handles streams and connections without progress. */
export interface ProgressOwner<S> {
  /** The peer must send on the stream, and does not. */
  inboundStalled(stream: S): void;
  /** The peer opens no window for waiting bytes of the stream. */
  outboundStalled(stream: S): void;
  /** The peer receives nothing of the written bytes. */
  socketStalled(): void;
  /** A check is complete. Returns the milliseconds until the owner needs another. */
  looked(): number;
}

/** The longest time without progress of a peer in sending and receiving, and its longest lag in either: milliseconds, 0 is unlimited. */
export interface Patience {
  readonly inbound: number;
  readonly outbound: number;
  /** The longest silence of both sides on a stream that may be silent. */
  readonly silence: number;
}

/** The minimum number of checks per timeout, and bounds of the time between two checks, in milliseconds. */
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
  /** Bytes that the peer had received at the last check, and the time since when it received no more. */
  #taken = 0;
  #takenAt = 0;
  /** The time of the next check, in milliseconds from now. */
  #next = 0;

  constructor(owner: ProgressOwner<S>, streams: StreamTable<S>, socket: net.Socket, wheel: TimerWheel, patience: Patience) {
    this.#owner = owner;
    this.#streams = streams;
    this.#socket = socket;
    this.#wheel = wheel;
    this.#patience = patience;
    this.#interval = interval(patience);
  }

  /** Checks from now on, as long as there are streams. */
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

  /** Whether the time since an event exceeds a timeout. */
  #isOver(since: number, timeout: number): boolean {
    return this.#isBehind(this.#wheel.now - since, timeout);
  }

  #isBehind(lag: number, timeout: number): boolean {
    return timeout > 0 && this.#isUp(timeout - lag);
  }

  /** Whether no time is left. Otherwise the next check comes no later than the end of that time. */
  #isUp(left: number): boolean {
    if (left > 0 && left < this.#next) this.#next = left;
    return left <= 0;
  }
}

function interval({ inbound, outbound }: Patience): number {
  const shortest = Math.min(inbound || Infinity, outbound || Infinity);
  return Math.max(MIN_INTERVAL, Math.min(MAX_INTERVAL, shortest / LOOKS_PER_TIMEOUT));
}
