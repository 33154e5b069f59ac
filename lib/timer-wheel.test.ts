import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Timer, TimerWheel } from './timer-wheel.ts';

import { once } from 'node:events';
import net from 'node:net';

/** One turn of the wheel: 512 ticks of 25 ms. */
const TURN = 12_800;

describe('TimerWheel', () => {
  beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
  afterEach(() => void jest.useRealTimers());

  test.each([1, 25, 1_000, TURN - 26, TURN - 25, TURN, TURN + 25, 3 * TURN - 25, 60_000])(
    'fires after %d ms, never early, at most two ticks late',
    (ms) => {
      const wheel = new TimerWheel();
      const start = performance.now();
      let at = 0;
      wheel.arm(new Timer(() => (at = performance.now())), ms);
      jest.advanceTimersByTime(ms + 100);
      expect(at - start).toBeGreaterThanOrEqual(ms);
      expect(at - start).toBeLessThanOrEqual(ms + 50);
      expect(wheel.size).toBe(0);
    },
  );

  test('an expiry may disarm timers of the same slot without an early expiry of later turns', () => {
    const wheel = new TimerWheel();
    const fired: string[] = [];
    const victim = new Timer(() => fired.push('victim'));
    const later = new Timer(() => fired.push('later'));
    const evenLater = new Timer(() => fired.push('even later'));
    wheel.arm(later, 100 + TURN);
    wheel.arm(evenLater, 100 + 2 * TURN);
    wheel.arm(new Timer(() => wheel.disarm(victim)), 100);
    wheel.arm(victim, 100);
    jest.advanceTimersByTime(200);
    expect([fired, wheel.size]).toEqual([[], 2]);
    jest.advanceTimersByTime(TURN);
    expect(fired).toEqual(['later']);
    jest.advanceTimersByTime(TURN);
    expect(fired).toEqual(['later', 'even later']);
  });

  test('an expiry may rearm its timer for a whole turn', () => {
    const wheel = new TimerWheel();
    let count = 0;
    const timer = new Timer(() => {
      count++;
      wheel.arm(timer, TURN - 25);
    });
    wheel.arm(timer, TURN - 25);
    jest.advanceTimersByTime(2 * TURN + 100);
    expect(count).toBe(2);
    wheel.stop();
  });
});

describe('a stalled event loop', () => {
  /** Blocks the event loop. */
  function stall(ms: number): void {
    const until = performance.now() + ms;
    while (performance.now() < until);
  }

  test('bytes that arrived before are read before a timer cuts their sender', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    const wheel = new TimerWheel();
    const events: string[] = [];
    const timer = new Timer(() => events.push('expired'));
    socket.on('data', () => {
      events.push('read');
      wheel.disarm(timer);
    });
    wheel.arm(timer, 150);
    peer.write('x');
    // The kernel sends at once: the byte waits in the socket while the event loop is blocked.
    stall(400);
    await once(socket, 'data');
    expect(events).toEqual(['read']);
    expect(wheel.size).toBe(0);
    peer.destroy();
    socket.destroy();
    server.close();
  });

  test('a timer that is armed at the end of a stall is not early', async () => {
    const wheel = new TimerWheel();
    wheel.arm(new Timer(() => undefined), 10_000);
    stall(300);
    const { promise, resolve } = Promise.withResolvers<number>();
    const started = performance.now();
    wheel.arm(new Timer(() => resolve(performance.now() - started)), 100);
    const handle = setInterval(() => undefined, 1_000);
    expect(await promise).toBeGreaterThanOrEqual(100);
    clearInterval(handle);
    wheel.stop();
  });
});
