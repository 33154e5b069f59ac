// Streams of server-sent events of backends (`events` of an HTTPPolicy): signs of life while a backend is silent, and no buffers on the way.
import type { PolicySettings } from '#api/policy/settings.ts';
import { bodyChanges } from '../../exchange/changed-body.ts';
import { isEventStream } from '../../exchange/event-stream.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { hasHeader, joinHeader, setHeader } from '../../exchange/headers.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { HeartbeatStage, type Heartbeats } from './heartbeat-stage.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['events']>;

const DEFAULT_HEARTBEAT = 15_000;
/** Silence is measured so exactly, as a part of the heartbeat, and within these bounds in milliseconds. */
const LOOKS = 10;
const [MIN_LOOK, MAX_LOOK] = [10, 1_000];

class Events implements Filter, Heartbeats {
  readonly name = 'events';
  readonly #heartbeat: number;
  readonly #open = new Set<HeartbeatStage>();
  #timer: NodeJS.Timeout | null = null;

  constructor({ heartbeat = DEFAULT_HEARTBEAT }: Settings) {
    this.#heartbeat = heartbeat;
  }

  response(exchange: Exchange): AnswerChange {
    const { responseHeaders: headers, status, method, localStream } = exchange;
    if (status !== 200 || localStream !== null || !isEventStream(exchange)) return;
    // Proxies in front, such as nginx, hold answers back otherwise.
    setHeader(headers, 'x-accel-buffering', 'no');
    if (this.#heartbeat === 0 || method === 'HEAD' || !mayChange(exchange)) return;
    bodyChanges(exchange);
    return new HeartbeatStage(this);
  }

  add(stage: HeartbeatStage): void {
    this.#open.add(stage);
    const every = Math.min(MAX_LOOK, Math.max(MIN_LOOK, this.#heartbeat / LOOKS));
    this.#timer ??= setInterval(() => this.#look(), every).unref();
  }

  delete(stage: HeartbeatStage): void {
    this.#open.delete(stage);
    if (this.#open.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const now = performance.now();
    for (const stage of this.#open) stage.look(now, this.#heartbeat);
  }
}

/** Comments cannot be added to coded bytes, and may not be where the backend forbids changes (RFC 9111 section 5.2.2.6). */
function mayChange({ responseHeaders: headers }: Exchange): boolean {
  return !hasHeader(headers, 'content-encoding') && !/\bno-transform\b/i.test(joinHeader(headers, 'cache-control') ?? '');
}

export const events: FilterKind = {
  name: 'events',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.events === undefined) return null;
    return policies.filterOf('HTTPPolicy', ['events'], ({ events: settings = {} }) => new Events(settings));
  },
};
