// Times the parts of the chain of one rule for a number of requests. Plans that are built with a meter have timed parts; others know nothing
// of it.
import type { BodyStage, StageOutlet } from '../exchange/body-stage.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';
import type { AnswerChange, EndFilter, FilterVerdict, RequestFilter, ResponseFilter } from '../exchange/plan.ts';

/** What a half of a filter cost. */
export interface PartCost {
  readonly name: string;
  readonly half: 'request' | 'response';
  readonly calls: number;
  /** Milliseconds on the event loop, with the stages of bodies. */
  readonly busy: number;
  /** The calls that waited, and for how many milliseconds. */
  readonly waits: number;
  readonly waited: number;
}

type Cost = { -readonly [K in keyof PartCost]: PartCost[K] };

export class ChainMeter {
  readonly #costs = new Map<string, Cost>();
  readonly #requests: number;
  readonly #done: () => void;

  #ended = 0;
  #last: Exchange | null = null;

  /** `done` is called once, when so many requests are over. */
  constructor(requests: number, done: () => void) {
    this.#requests = requests;
    this.#done = done;
  }

  get costs(): readonly PartCost[] {
    return [...this.#costs.values()];
  }

  /** The request halves of a chain, timed. */
  requests(filters: readonly RequestFilter[] | null): readonly RequestFilter[] | null {
    return filters === null ? null : filters.map((filter) => this.#request(filter));
  }

  /** The response halves. */
  responses(filters: readonly ResponseFilter[] | null): readonly ResponseFilter[] | null {
    return filters === null ? null : filters.map((filter) => this.#response(filter));
  }

  /** What follows the ends of exchanges, and counts them. */
  ends(filters: readonly EndFilter[] | null): readonly EndFilter[] {
    return [...(filters ?? []), { name: 'meter', ended: (exchange) => this.#count(exchange) }];
  }

  /** The chains of the rule and of the backend end one after the other. */
  #count(exchange: Exchange): void {
    if (this.#last === exchange) return;
    this.#last = exchange;
    if (++this.#ended === this.#requests) this.#done();
  }

  #request(filter: RequestFilter): RequestFilter {
    const cost = this.#costOf(filter.name, 'request');
    const request = (exchange: Exchange): FilterVerdict | Promise<FilterVerdict> => this.#timed(cost, () => filter.request(exchange));
    return { name: filter.name, ...patienceOf(filter), request };
  }

  #response(filter: ResponseFilter): ResponseFilter {
    const cost = this.#costOf(filter.name, 'response');
    const response = (exchange: Exchange): AnswerChange | Promise<AnswerChange> => this.#timed(cost, () => filter.response(exchange));
    return { name: filter.name, ...patienceOf(filter), response };
  }

  #costOf(name: string, half: PartCost['half']): Cost {
    const key = `${name} ${half}`;
    const known = this.#costs.get(key);
    if (known !== undefined) return known;
    const cost: Cost = { name, half, calls: 0, busy: 0, waits: 0, waited: 0 };
    this.#costs.set(key, cost);
    return cost;
  }

  #timed<T>(cost: Cost, run: () => T | Promise<T>): T | Promise<T> {
    const began = performance.now();
    const result = run();
    cost.busy += performance.now() - began;
    cost.calls++;
    if (!(result instanceof Promise)) return staged(cost, result);
    return result.then((late) => {
      cost.waits++;
      cost.waited += performance.now() - began;
      return staged(cost, late);
    });
  }
}

function patienceOf({ patience }: Pick<RequestFilter, 'patience'>): Pick<RequestFilter, 'patience'> {
  return patience === undefined ? {} : { patience };
}

/** A stage as the result of a filter is timed too. */
function staged<T>(cost: Cost, result: T): T {
  return isStage(result) ? (new TimedStage(result, cost) as BodyStage as T) : result;
}

function isStage(result: unknown): result is BodyStage {
  return typeof result === 'object' && result !== null && 'data' in result && 'end' in result;
}

/** Its time includes that of the stages behind it. */
class TimedStage implements BodyStage {
  readonly #stage: BodyStage;
  readonly #cost: Cost;
  readonly drained?: (out: StageOutlet) => void;

  constructor(stage: BodyStage, cost: Cost) {
    this.#stage = stage;
    this.#cost = cost;
    // A stage that keeps nothing has no such method.
    if (stage.drained !== undefined) this.drained = (out) => stage.drained?.(out);
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    const began = performance.now();
    const room = this.#stage.data(chunk, out);
    this.#cost.busy += performance.now() - began;
    return room;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    const began = performance.now();
    this.#stage.end(trailers, out);
    this.#cost.busy += performance.now() - began;
  }

  stop(): void {
    this.#stage.stop?.();
  }
}
