// Traces exchanges: takes the trace context of the caller, hands each attempt a context of its own, and decides at the end which spans are
// kept. An open exchange costs two ids and one object; the rest is done for exchanges that are kept.
import type { Attempt, AttemptOutcome } from '../../exchange/attempt.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { ExchangeListener } from '../../exchange/exchange-events.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { removeHeader } from '../../exchange/headers.ts';
import type { TracingPlan, TracingSettings } from '../../exchange/tracing.ts';
import { newSpanId, newTraceId } from '#lib/trace-context/ids.ts';
import { isInShare } from '#lib/trace-context/sampling.ts';
import type { TraceParent } from '#lib/trace-context/trace-context.ts';
import { traceStateOf } from '#lib/trace-context/w3c.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { callerOf, contextOf, removeContext } from './context.ts';
import { isFailure } from './failure.ts';
import { ExchangeSpans } from './exchange-spans.ts';
import type { SpanSink } from './exchange-spans.ts';
import { Trace } from './trace.ts';

export class Tracer implements ExchangeListener {
  readonly #defaults: TracingSettings;
  readonly #spans: ExchangeSpans;
  readonly #known = new WeakMap<TracingPlan, TracingSettings>();
  /** Of the configuration in use; '' while it is unknown. */
  revision = '';

  /** `defaults`: those of the proxy, for what no policy sets. */
  constructor(defaults: TracingSettings, sink: SpanSink) {
    this.#defaults = defaults;
    this.#spans = new ExchangeSpans(sink);
  }

  /** Whether requests without a policy are traced. */
  get isOn(): boolean {
    return this.#defaults.enabled;
  }

  matched(exchange: Exchange): void {
    const settings = this.#settingsOf(exchange);
    if (settings.enabled) begin(exchange, settings, this.revision);
  }

  attemptBegan(attempt: Attempt): void {
    const { exchange } = attempt;
    const trace = exchange.trace as Trace | null;
    if (trace === null) return;
    attempt.spanId = trace.attempted(attempt) ? newSpanId() : trace.spanId;
    removeContext(exchange.requestHeaders, trace.settings);
    attempt.ownHeaders = contextOf(trace, attempt.spanId);
  }

  attemptEnded(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void {
    attempt.outcome = outcome;
    attempt.error = error;
  }

  filterWaited(exchange: Exchange, filter: string, since: number): void {
    const trace = exchange.trace as Trace | null;
    if (trace !== null) trace.waited({ filter, since, until: turnTime() });
  }

  /** Requests that are refused before a match. */
  answerHead(exchange: Exchange): void {
    if (exchange.trace === null && exchange.route === null) this.matched(exchange);
  }

  ended(exchange: Exchange, ms: number): void {
    // Its client left before a match, with a part of the head sent: there was no answer.
    if (exchange.trace === null && exchange.route === null && exchange.headAt < 0) this.matched(exchange);
    const trace = exchange.trace as Trace | null;
    if (trace !== null && isKept(exchange, trace, ms)) this.#spans.add(exchange, trace, ms);
  }

  #settingsOf({ telemetry }: Exchange): TracingSettings {
    const plan = telemetry === null ? null : telemetry.tracing;
    if (plan === null) return this.#defaults;
    let settings = this.#known.get(plan);
    if (settings === undefined) this.#known.set(plan, (settings = withDefaults(plan, this.#defaults)));
    return settings;
  }
}

/** The settings of a policy, with those of the proxy for what it does not set. */
export function withDefaults(plan: TracingPlan, defaults: TracingSettings): TracingSettings {
  const set = Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== null));
  return Object.freeze({ ...defaults, ...set });
}

function begin(exchange: Exchange, settings: TracingSettings, revision: string): void {
  const { requestHeaders, route } = exchange;
  const caller = callerOf(requestHeaders, settings);
  const joined = caller === null || settings.parent === 'Restart' ? '' : caller.traceId;
  const traceId = joined === '' ? newTraceId() : joined;
  const ids = { traceId, spanId: newSpanId(), sampled: decisionOf(caller, settings) ?? isInShare(traceId, settings.share) };
  const trace = (exchange.trace = new Trace(ids, settings, revision, caller, joined === '' ? '' : traceStateOf(requestHeaders)));
  if (joined === '') removeHeader(requestHeaders, 'tracestate');
  if (!settings.baggage) removeHeader(requestHeaders, 'baggage');
  if (route !== null && route.requestFilters !== null) showToFilters(exchange, trace);
}

/** Filters may send copies of the request, and ask services about it. */
function showToFilters({ requestHeaders }: Exchange, trace: Trace): void {
  removeContext(requestHeaders, trace.settings);
  requestHeaders.push(...contextOf(trace, trace.spanId));
}

/** The decision of the caller, which holds without ids too, as B3 has it; null: there is none that counts. */
function decisionOf(caller: TraceParent | null, { parent }: TracingSettings): boolean | null {
  return caller === null || parent !== 'Follow' ? null : caller.sampled;
}

function isKept(exchange: Exchange, { sampled, settings }: Trace, ms: number): boolean {
  if (sampled) return true;
  const { errors, slowMs, always } = settings;
  if ((errors && isFailure(exchange)) || (slowMs > 0 && ms >= slowMs)) return true;
  return always !== null && always(exchange, ms);
}
