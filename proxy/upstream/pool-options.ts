// What pools of either kind need of their worker.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../exchange/limits.ts';
import type { UpstreamEvents } from '../exchange/stream.ts';

export interface PoolOptions {
  readonly events: UpstreamEvents;
  readonly limits: Limits;
  readonly wheel: TimerWheel;
}
