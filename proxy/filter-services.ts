// What filters get of the request path of their worker: bodies, further requests, and the end of exchanges.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Ask } from './exchange/subrequest.ts';
import type { UpstreamCluster } from './exchange/plan.ts';
import type { FilterDependencies } from './filter/filter.ts';
import type { RequestPath } from './request-path.ts';
import { servicePlan } from './runtime/plan.ts';
import { Calls } from './upstream/calls.ts';
import { Subrequests } from './upstream/subrequest.ts';

/** The variant of a cluster (key) for requests of the proxy itself. */
type FindCluster = (key: string) => UpstreamCluster;

type PathServices = Pick<
  FilterDependencies,
  'wholeBody' | 'bodyStart' | 'passThrough' | 'wholeAnswer' | 'answerStart' | 'end' | 'proceed' | 'call'
>;

/** Asks backends for filters and for the worker. */
export function askOn(path: RequestPath, wheel: TimerWheel, cluster: FindCluster): Ask {
  const { ask } = new Subrequests({
    wheel,
    cluster,
    plan: servicePlan,
    forward: (exchange, body) => path.forwardCopy(exchange, body),
    leave: (exchange, error) => path.downstreamFailed(exchange, error),
  });
  return ask;
}

/** What filters get of a path. */
export function servicesOf(path: RequestPath, cluster: FindCluster): PathServices {
  return {
    wholeBody: (exchange, maxBytes) => path.bodies.whole(exchange, maxBytes),
    bodyStart: (exchange, maxBytes) => path.bodies.gather(exchange, maxBytes),
    passThrough: (exchange, stage) => path.bodies.passThrough(exchange, stage),
    wholeAnswer: (exchange, maxBytes) => path.answers.wholeAnswer(exchange, maxBytes),
    answerStart: (exchange, maxBytes) => path.answers.answerStart(exchange, maxBytes),
    end: (exchange, error) => path.withdrawn(exchange, error),
    proceed: (copy, behind) => path.proceed(copy, behind),
    call: new Calls({ cluster, plan: servicePlan, path }).open,
  };
}
