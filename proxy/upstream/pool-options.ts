// The dependencies of pools of both kinds: on their worker, and on the other pools of the endpoint.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../exchange/limits.ts';
import type { ConnectListener } from '../exchange/plan.ts';
import type { Shedder } from '../exchange/shedder.ts';
import type { UpstreamEvents } from '../exchange/stream.ts';
import type { Capacity } from './capacity.ts';

export interface PoolOptions {
  readonly events: UpstreamEvents;
  readonly limits: Limits;
  readonly wheel: TimerWheel;
  readonly capacity: Capacity;
  readonly endpoint: ConnectListener;
  /** Refuses exchanges that would need a new connection while the worker is overloaded; absent: never. */
  readonly shedder?: Shedder;
  /** Called when the pool has neither connections nor exchanges. */
  readonly emptied?: () => void;
}
