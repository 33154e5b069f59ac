// The backend of an exchange: that of its session, or one drawn by weight; then its filters, and those that see all changes.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Endings } from './endings.ts';
import { draw } from './exchange/draw.ts';
import { ERRORS } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { BackendPlan, RoutePlan } from './exchange/plan.ts';
import type { RuleSessions } from './exchange/session.ts';
import type { Filtering } from './filtering.ts';
import { renewRequestTimeout } from './upstream/timeout.ts';
import type { DeadlineListener } from './upstream/timeout.ts';

export interface BackendChoiceOptions {
  readonly endings: Pick<Endings, 'reply'>;
  readonly filtering: Pick<Filtering, 'run'>;
  readonly wheel: TimerWheel;
  readonly deadlines: DeadlineListener;
  /** The exchange has passed all filters. */
  readonly forward: (exchange: Exchange) => void;
}

export class BackendChoice {
  readonly #endings: BackendChoiceOptions['endings'];
  readonly #filtering: BackendChoiceOptions['filtering'];
  readonly #wheel: TimerWheel;
  readonly #deadlines: DeadlineListener;
  readonly #forward: BackendChoiceOptions['forward'];

  constructor({ endings, filtering, wheel, deadlines, forward }: BackendChoiceOptions) {
    this.#endings = endings;
    this.#filtering = filtering;
    this.#wheel = wheel;
    this.#deadlines = deadlines;
    this.#forward = forward;
  }

  readonly choose = (exchange: Exchange): void => {
    const route = exchange.route as RoutePlan;
    const backend = (route.sessions === null ? null : resumed(exchange, route.sessions)) ?? draw(route.backends, route.totalWeight);
    if (backend === null) return this.#endings.reply(exchange, route.nothingDrawn);
    if (backend.error !== null) return this.#endings.reply(exchange, backend.error);
    exchange.backend = backend;
    if (!this.#follow(exchange, backend.route)) return this.#endings.reply(exchange, ERRORS.deadlineMalformed);
    this.#filtering.run(exchange, backend.requestFilters, this.#finish);
  };

  readonly #finish = (exchange: Exchange): void => {
    this.#filtering.run(exchange, (exchange.route as RoutePlan).lastFilters, this.#forward);
  };

  /**
   * `route`: the backend has its own policies. The deadline may be another one then, and for a request that filters made a call. False: that
   * of the caller is invalid.
   */
  #follow(exchange: Exchange, route: RoutePlan | null): boolean {
    if (route === null && exchange.translation === null) return true;
    const before = exchange.route as RoutePlan;
    const after = (exchange.route = route ?? before);
    const isSame = after.requestTimeout === before.requestTimeout && after.timeoutHeader === before.timeoutHeader;
    return (isSame && exchange.translation === null) || renewRequestTimeout(exchange, this.#wheel, this.#deadlines);
  }
}

/** The backend of the session that the request belongs to, or null. */
function resumed(exchange: Exchange, sessions: RuleSessions): BackendPlan | null {
  exchange.session = sessions.resume(exchange);
  return exchange.session === null ? null : exchange.session.backend;
}
