import { describe, expect, test } from '@jest/globals';
import { CacheStore } from './store.ts';
import { SharedBody, type BodyReader } from './shared-body.ts';

/** A reader that takes all it can while it is not stopped. */
class TestReader implements BodyReader {
  readonly #body: SharedBody;
  next = 0;
  stopped: boolean;
  wasCut = false;

  constructor(body: SharedBody, stopped = false) {
    this.#body = body;
    this.stopped = stopped;
    body.join(this);
  }

  wake(): void {
    while (!this.stopped && this.#body.piece(this.next) !== null) this.next++;
  }

  cut(): void {
    this.wasCut = true;
  }

  go(): void {
    this.stopped = false;
    this.wake();
    this.#body.progressed();
  }
}

const PIECE = Buffer.alloc(10);

describe('a shared body', () => {
  test('is kept whole within its bound, whatever its readers do', () => {
    const body = new SharedBody(30);
    const slow = new TestReader(body, true);
    for (let i = 0; i < 3; i++) expect(body.append(PIECE, () => undefined)).toBe(true);
    expect([body.isWhole, body.whole().length, slow.wasCut]).toEqual([true, 30, false]);
  });

  test('beyond its bound cuts a reader that is a window behind, and holds back no other', () => {
    const body = new SharedBody(30);
    const [fast, slow] = [new TestReader(body), new TestReader(body, true)];
    for (let i = 0; i < 100; i++) expect(body.append(PIECE, () => undefined)).toBe(true);
    expect([fast.next, fast.wasCut, slow.wasCut, body.readers]).toEqual([100, false, true, 1]);
    expect(body.bytes).toBeLessThanOrEqual(30);
  });

  test('pauses its source while all are slow, and goes on with the first', () => {
    const body = new SharedBody(30);
    const slow = new TestReader(body, true);
    let resumed = 0;
    const room = Array.from({ length: 4 }, () => body.append(PIECE, () => resumed++));
    expect([room, resumed]).toEqual([[true, true, true, false], 0]);
    slow.go();
    expect([resumed, slow.wasCut, body.bytes]).toEqual([1, false, 0]);
  });
});

test('bodies under way count for the bound of the store, and pass in a window once they take half of it', () => {
  const store = new CacheStore(1_000_000);
  const { room } = store;
  const [one, another] = [new SharedBody(600_000, room), new SharedBody(600_000, room)];
  const reader = { next: 0, wake: () => undefined, cut: () => undefined };
  one.join(reader);
  another.join(reader);
  expect(one.append(Buffer.alloc(450_000), () => undefined)).toBe(true);
  expect(room.isCrowded).toBe(false);
  // The window of the second one is smaller now, and its source waits for its reader.
  expect(another.append(Buffer.alloc(100_000), () => undefined)).toBe(false);
  expect([one.isWhole, another.isWhole, room.isCrowded]).toEqual([true, false, true]);
  one.end();
  another.tear();
  one.leave(reader);
  another.leave(reader);
  expect(room.isCrowded).toBe(false);
  // A late reader of the first one still gets all of it.
  one.join(reader);
  one.leave(reader);
  expect([one.whole().length, room.isCrowded]).toEqual([450_000, false]);
});
