// The time at which streams without progress are found, on a fake clock: at the timeout, not at a later check.
import { expect, test } from '@jest/globals';
import type net from 'node:net';
import type { Timer, TimerWheel } from '#lib/timer-wheel.ts';
import { Liveness } from './liveness.ts';
import { Progress } from './progress.ts';
import type { Patience, ProgressOwner } from './progress.ts';
import type { H2Stream } from './stream.ts';
import { StreamTable } from './stream-table.ts';

const MINUTE = 60_000;

/** A wheel with one timer, which fires on time. */
class HandWheel {
  now = 1_000_000;
  #timer: Timer | null = null;
  #at = 0;

  arm(timer: Timer, ms: number): void {
    this.#timer = timer;
    this.#at = this.now + ms;
    // Progress reads whether the timer is armed.
    timer.next = timer;
  }

  disarm(timer: Timer): void {
    this.#timer = null;
    timer.next = null;
  }

  /** Advances the clock. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.#timer !== null && this.#at <= end) {
      const timer = this.#timer;
      this.now = this.#at;
      this.disarm(timer);
      timer.expire();
    }
    this.now = end;
  }
}

interface Scene {
  readonly wheel: HandWheel;
  readonly progress: Progress<H2Stream>;
  readonly stream: { -readonly [Key in 'receivedAt' | 'sentAt' | 'peerOwes' | 'mayBeSilent' | 'waiting']: H2Stream[Key] };
  readonly socket: { writableLength: number; bytesWritten: number };
  /** The results, with the time since the start. */
  readonly found: string[];
}

function scene(patience: Partial<Patience> = {}, looked: () => number = () => Infinity): Scene {
  const wheel = new HandWheel();
  const began = wheel.now;
  const found: string[] = [];
  const note = (what: string) => () => void found.push(`${what} ${wheel.now - began}`);
  const owner: ProgressOwner<H2Stream> = {
    ...{ inboundStalled: note('inbound'), outboundStalled: note('outbound'), socketStalled: note('socket') },
    looked,
  };
  const stream = {
    ...{ id: 1, receivedAt: began, sentAt: began, peerOwes: false, mayBeSilent: false, waiting: false },
    ...{ inboundLag: 0, outboundLag: 0 },
  };
  const streams = new StreamTable<H2Stream>();
  streams.add(stream as unknown as H2Stream);
  const socket = { writableLength: 0, bytesWritten: 0 };
  const progress = new Progress(owner, streams, socket as unknown as net.Socket, wheel as unknown as TimerWheel, {
    ...{ inbound: MINUTE, outbound: MINUTE, silence: 60 * MINUTE },
    ...patience,
  });
  progress.start();
  return { wheel, progress, stream, socket, found };
}

test('a closed window is found after its timeout, from the time when it closed', () => {
  const { wheel, stream, found } = scene();
  wheel.pass(7_000);
  stream.sentAt = wheel.now;
  stream.waiting = true;
  wheel.pass(MINUTE - 1);
  expect(found).toEqual([]);
  wheel.pass(1);
  expect(found).toEqual([`outbound ${7_000 + MINUTE}`]);
});

test('a peer that stops sending or stops receiving is found too', () => {
  const silent = scene();
  silent.stream.peerOwes = true;
  silent.wheel.pass(20_000);
  silent.stream.receivedAt = silent.wheel.now;
  silent.wheel.pass(MINUTE);
  expect(silent.found).toEqual([`inbound ${20_000 + MINUTE}`]);
  const stuck = scene();
  stuck.socket.bytesWritten = 100;
  stuck.socket.writableLength = 100;
  stuck.wheel.pass(MINUTE);
  expect(stuck.found).toEqual([`socket ${MINUTE}`]);
});

test('streams that may be silent have a longer timeout', () => {
  const { wheel, stream, found } = scene();
  stream.peerOwes = true;
  stream.mayBeSilent = true;
  wheel.pass(60 * MINUTE - 1);
  expect(found).toEqual([]);
  wheel.pass(1);
  expect(found).toEqual([`inbound ${60 * MINUTE}`]);
});

test('a timeout of 0 never expires', () => {
  const { wheel, stream, found } = scene({ outbound: 0 });
  stream.waiting = true;
  wheel.pass(10 * MINUTE);
  expect(found).toEqual([]);
});

test('a silent peer gets a PING at half of the timeout, and is gone at its end', () => {
  const states: string[] = [];
  let liveness: Liveness | null = null;
  const { wheel } = scene({}, () => {
    const state = liveness?.look() ?? 'alive';
    if (state !== 'alive') states.push(`${state} ${wheel.now}`);
    return liveness?.dueIn ?? Infinity;
  });
  const began = wheel.now;
  liveness = new Liveness(wheel, 75_000);
  wheel.pass(75_000);
  expect(states).toEqual([`doubtful ${began + 37_500}`, `gone ${began + 75_000}`]);
});
