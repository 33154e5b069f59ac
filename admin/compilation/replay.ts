// Requests of the last hour, sent through the matcher of a configuration and of another one: which of them would go elsewhere.
import type { RequestHead } from './request-head.ts';
import type { Destination, Routing } from './routing.ts';

/** What a change means for a request. */
export type Effect = 'same' | 'other-rule' | 'other-backends' | 'refused' | 'accepted';

/** Requests with the same way before and after. */
export interface Way {
  readonly effect: Exclude<Effect, 'same'>;
  readonly before: Destination;
  readonly after: Destination;
  readonly requests: number;
  readonly consumers: Readonly<Record<string, number>>;
  /** The latest ones. */
  readonly examples: readonly RequestHead[];
}

/** The result of a replay. */
export interface Replay {
  /** Requests that were replayed, also those without an effect. */
  readonly replayed: number;
  /** Requests whose line lacks what decided about them: their rule is not the one that the matcher finds. */
  readonly unknown: number;
  /** By effect. */
  readonly effects: Readonly<Record<Effect, number>>;
  /** The most frequent first. */
  readonly ways: readonly Way[];
}

/** Examples of one way. */
const EXAMPLES = 3;

type Growing = { -readonly [K in keyof Way]: Way[K] } & { consumers: Record<string, number>; examples: RequestHead[] };

/** Replays requests. `heads`: null for a line that is no request. */
export class Replayer {
  readonly #before: Routing;
  readonly #after: Routing;
  readonly #ways = new Map<string, Growing>();
  readonly #effects: Record<Effect, number> = { same: 0, 'other-rule': 0, 'other-backends': 0, refused: 0, accepted: 0 };
  #replayed = 0;
  #unknown = 0;

  constructor(before: Routing, after: Routing) {
    this.#before = before;
    this.#after = after;
  }

  /** Takes the next request, the latest first. */
  take(request: RequestHead | null): void {
    const port = request === null ? null : this.#before.portOf(request.listener);
    if (request === null || port === null) return void this.#unknown++;
    const before = this.#before.destinationOf(request, port);
    if (before.route !== request.route) return void this.#unknown++;
    this.#replayed++;
    const after = this.#after.destinationOf(request, this.#after.portOf(request.listener) ?? port);
    const effect = effectOf(before, after);
    this.#effects[effect]++;
    if (effect !== 'same') this.#count(effect, before, after, request);
  }

  get result(): Replay {
    const ways = [...this.#ways.values()].sort((a, b) => b.requests - a.requests);
    return { replayed: this.#replayed, unknown: this.#unknown, effects: this.#effects, ways };
  }

  #count(effect: Way['effect'], before: Destination, after: Destination, request: RequestHead): void {
    const key = JSON.stringify([before, after]);
    let way = this.#ways.get(key);
    if (way === undefined) this.#ways.set(key, (way = { effect, before, after, requests: 0, consumers: {}, examples: [] }));
    way.requests++;
    if (request.consumer !== '') way.consumers[request.consumer] = (way.consumers[request.consumer] ?? 0) + 1;
    if (way.examples.length < EXAMPLES) way.examples.push(request);
  }
}

function effectOf(before: Destination, after: Destination): Effect {
  if (before.refusal !== '' || after.refusal !== '') {
    if (before.refusal === '') return 'refused';
    return after.refusal === '' ? 'accepted' : 'same';
  }
  if (before.route !== after.route) return 'other-rule';
  return before.backends === after.backends ? 'same' : 'other-backends';
}
