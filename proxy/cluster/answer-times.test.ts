// The percentile of recent answer times: when there is one, what it forgets, and what it makes of cancelled attempts.
import { describe, expect, test } from '@jest/globals';
import type { Attempt } from '../exchange/attempt.ts';
import { AnswerTimes } from './answer-times.ts';

/** Answer times with a clock of the test. */
class Scene {
  now = 1;
  readonly times: AnswerTimes;

  constructor(percentile = 95) {
    this.times = new AnswerTimes(percentile, () => this.now);
  }

  /** So many answers after so many milliseconds each. */
  answers(count: number, ms: number, status = 200): void {
    for (let left = count; left > 0; left--) this.ended({ headAt: this.now + ms, endedAt: this.now + ms + 1, status });
  }

  /** So many attempts that end without an answer. */
  cancelled(count: number, ms: number): void {
    for (let left = count; left > 0; left--) this.ended({ headAt: 0, endedAt: this.now + ms, status: 0 });
  }

  ended(fields: Partial<Attempt>): void {
    this.times.attemptEnded({ beganAt: this.now, ...fields } as Attempt);
  }

  /** The percentile after some time, rounded. */
  after(ms: number): number {
    this.now += ms;
    return Math.round(this.times.percentile / 10) * 10;
  }
}

test('there is no percentile before a hundred answers', () => {
  const scene = new Scene();
  scene.answers(99, 50);
  expect(scene.after(200)).toBe(0);
  scene.answers(1, 50);
  expect(scene.after(200)).toBe(50);
});

test('it follows the backend, and forgets what is old', () => {
  const scene = new Scene();
  scene.answers(200, 500);
  for (const ms of [12_000, 12_000]) {
    scene.now += ms;
    scene.answers(200, 50);
  }
  expect(scene.after(200)).toBe(50);
});

test('answers of a quiet backend stay until there are others', () => {
  const scene = new Scene();
  scene.answers(150, 50);
  scene.now += 3_600_000;
  scene.answers(1, 50);
  expect(scene.after(200)).toBe(50);
});

describe('an attempt without an answer', () => {
  test('counts as slow if it lasted longer than the percentile: cancelled attempts do not lower it', () => {
    const scene = new Scene();
    scene.answers(1_000, 50);
    expect(scene.after(200)).toBe(50);
    for (let round = 0; round < 40; round++) {
      scene.answers(96, 40);
      scene.cancelled(4, 60);
      scene.now += 1_000;
    }
    expect(scene.after(200)).toBe(40);
  });

  test('raises the percentile if there are more of them than it allows', () => {
    const scene = new Scene();
    scene.answers(1_000, 50);
    expect(scene.after(200)).toBe(50);
    scene.cancelled(100, 80);
    expect(scene.after(200)).toBe(80);
  });

  test('says nothing if it ended earlier', () => {
    const scene = new Scene();
    scene.answers(200, 50);
    expect(scene.after(200)).toBe(50);
    scene.cancelled(10_000, 5);
    expect(scene.after(200)).toBe(50);
  });
});

test('fast errors do not count', () => {
  const scene = new Scene();
  scene.answers(200, 50);
  scene.answers(10_000, 1, 503);
  expect(scene.after(200)).toBe(50);
});
