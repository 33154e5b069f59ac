// The algorithms of limits: the meter of a key by the settings of the limit.
import { BucketMeter } from './bucket-meter.ts';
import { calendarWindows, clockWindows } from './calendar.ts';
import type { CalendarUnit } from './calendar.ts';
import { Concurrency } from './concurrency.ts';
import { FixedWindow } from './fixed-window.ts';
import type { Meter, MeterClocks } from './meter.ts';
import { SlidingWindow } from './sliding-window.ts';

/** How a limit counts. `limit`: units in a period, or at once. */
export type Algorithm =
  | { readonly kind: 'TokenBucket'; readonly limit: number; readonly periodMs: number; readonly burst: number }
  | { readonly kind: 'SlidingWindow' | 'FixedWindow'; readonly limit: number; readonly periodMs: number }
  | { readonly kind: 'Quota'; readonly limit: number; readonly unit: CalendarUnit }
  | { readonly kind: 'Concurrency'; readonly limit: number };

/** A full meter. */
export function meterOf(algorithm: Algorithm, { steady, wall }: MeterClocks): Meter {
  switch (algorithm.kind) {
    case 'TokenBucket':
      return new BucketMeter(algorithm.limit, algorithm.periodMs, algorithm.burst, steady);
    case 'SlidingWindow':
      return new SlidingWindow(algorithm.limit, algorithm.periodMs, steady);
    case 'FixedWindow':
      return new FixedWindow(algorithm.limit, clockWindows(algorithm.periodMs), wall);
    case 'Quota':
      return new FixedWindow(algorithm.limit, calendarWindows(algorithm.unit), wall);
    case 'Concurrency':
      return new Concurrency(algorithm.limit);
  }
}

/** The most that a key may take at once. */
export function capacityOf(algorithm: Algorithm): number {
  return algorithm.kind === 'TokenBucket' ? algorithm.burst : algorithm.limit;
}
