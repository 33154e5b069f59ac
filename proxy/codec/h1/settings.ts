// What both directions of the codec are set up with.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Dial } from '../../exchange/dial.ts';
import type { Limits } from '../../exchange/limits.ts';

/** Shared by all connections of a worker. */
export interface H1Settings {
  readonly limits: Limits;
  readonly wheel: TimerWheel;
  /** The path to match and forward, or null when it must be refused. */
  readonly normalisePath: (raw: string) => string | null;
  /** The host to match, or null when it must be refused. */
  readonly normaliseHost: (raw: string) => string | null;
}

/** What upstream connections need besides. */
export interface UpstreamSettings extends H1Settings {
  readonly dial: Dial;
}
