// The settings of both directions of the codec.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Dial } from '../../exchange/dial.ts';
import type { Limits } from '../../exchange/limits.ts';

/** Shared by all connections of a worker. */
export interface H1Settings {
  readonly limits: Limits;
  readonly wheel: TimerWheel;
  /** The path for matching and forwarding, or null to refuse the request. */
  readonly normalisePath: (raw: string) => string | null;
  /** The host for matching, or null to refuse the request. */
  readonly normaliseHost: (raw: string) => string | null;
}

/** The additional settings of upstream connections. */
export interface UpstreamSettings extends H1Settings {
  readonly dial: Dial;
}
