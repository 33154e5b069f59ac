// What pools of either kind need of their worker, and of those they share an endpoint with.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../exchange/limits.ts';
import type { ConnectListener } from '../exchange/plan.ts';
import type { UpstreamEvents } from '../exchange/stream.ts';
import type { Capacity } from './capacity.ts';

export interface PoolOptions {
  readonly events: UpstreamEvents;
  readonly limits: Limits;
  readonly wheel: TimerWheel;
  readonly capacity: Capacity;
  readonly endpoint: ConnectListener;
  /** Told when neither a connection nor an exchange is left in the pool. */
  readonly emptied?: () => void;
}
