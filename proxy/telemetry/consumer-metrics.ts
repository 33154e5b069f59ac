// Metrics of the requests of Consumers, by Consumer and plan. The number of series is limited: a further Consumer counts as `other` of its
// plan, so that the sums of plans stay right.
import type { Exchange } from '../exchange/exchange.ts';
import type { Principal } from '../exchange/principal.ts';
import { Histogram } from '#lib/histogram.ts';
import type { Labels, MetricFamily, Sample } from '#lib/metric.ts';

/** Consumers with series of their own in one worker, and plans. */
const LIMITS = { consumers: 1_000, plans: 100 };
/** A scrape drops the series of a Consumer without a request for this many scrapes. */
const MAX_IDLE_SCRAPES = 120;
const DURATION = 'weir_plan_request_duration_seconds';
const OTHER = 'other';
const CLASSES = [1, 2, 3, 4, 5];

/** The series of a Consumer with a plan. */
class ConsumerSeries {
  readonly labels: Labels;
  /** By class of status. */
  readonly statuses = CLASSES.map(() => 0);
  /** By code; null before the first. */
  errors: Map<string, number> | null = null;
  requestBytes = 0;
  responseBytes = 0;
  idleScrapes = 0;

  constructor(consumer: string, plan: string) {
    this.labels = { consumer, plan };
  }

  count({ status, error, requestBytes, responseBytes }: Exchange): void {
    // Without a status the client was gone before an answer.
    const index = Math.min(5, Math.floor(status / 100)) - 1;
    if (index >= 0) this.statuses[index] = (this.statuses[index] as number) + 1;
    this.requestBytes += requestBytes;
    this.responseBytes += responseBytes;
    this.idleScrapes = 0;
    if (error === null) return;
    const errors = (this.errors ??= new Map<string, number>());
    errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
  }
}

class PlanSeries {
  readonly plan: string;
  readonly duration = new Histogram();
  readonly consumers = new Map<string, ConsumerSeries>();

  constructor(plan: string) {
    this.plan = plan;
  }
}

export class ConsumerMetrics {
  readonly #limits: typeof LIMITS;
  readonly #plans = new Map<string, PlanSeries>();
  #consumers = 0;

  constructor(limits = LIMITS) {
    this.#limits = limits;
  }

  /** Counts a finished exchange of `ms` milliseconds. */
  count(exchange: Exchange, { consumer, plan: name }: Principal, ms: number): void {
    const plan = this.#plan(name === '' ? 'none' : name);
    plan.duration.observe(ms);
    this.#consumer(plan, consumer).count(exchange);
  }

  #plan(name: string): PlanSeries {
    const known = this.#plans.get(name);
    if (known !== undefined) return known;
    if (this.#plans.size >= this.#limits.plans && name !== OTHER) return this.#plan(OTHER);
    const made = new PlanSeries(name);
    this.#plans.set(name, made);
    return made;
  }

  #consumer({ plan, consumers }: PlanSeries, name: string): ConsumerSeries {
    const known = consumers.get(name);
    if (known !== undefined) return known;
    const isFull = this.#consumers >= this.#limits.consumers;
    const label = isFull ? OTHER : name;
    const shared = isFull ? consumers.get(OTHER) : undefined;
    if (shared !== undefined) return shared;
    const made = new ConsumerSeries(label, plan);
    consumers.set(label, made);
    if (!isFull) this.#consumers++;
    return made;
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_consumer_requests_total',
        type: 'counter',
        help: 'Requests of Consumers, by class of status',
        read: () => {
          this.#forget();
          return this.#samples(classSamples);
        },
      },
      this.#family('weir_consumer_errors_total', 'Failed requests of Consumers, and those that the proxy refused, by code', errorSamples),
      this.#family('weir_consumer_request_bytes_total', 'Bytes of request bodies of Consumers', ({ labels, requestBytes: value }) => [
        { labels, value },
      ]),
      this.#family('weir_consumer_response_bytes_total', 'Bytes of answer bodies to Consumers', ({ labels, responseBytes: value }) => [
        { labels, value },
      ]),
      {
        name: DURATION,
        type: 'histogram',
        help: 'Time from the first byte of a request of a Consumer to the end of its answer, by plan',
        read: () => [...this.#plans.values()].flatMap(({ plan, duration }) => duration.samples(DURATION, { plan })),
      },
    ];
  }

  #family(name: string, help: string, samples: (series: ConsumerSeries) => readonly Sample[]): MetricFamily {
    return { name, type: 'counter', help, read: () => this.#samples(samples) };
  }

  #samples(samples: (series: ConsumerSeries) => readonly Sample[]): readonly Sample[] {
    return [...this.#plans.values()].flatMap(({ consumers }) => [...consumers.values()].flatMap(samples));
  }

  /** Drops idle series, except those of `other`. */
  #forget(): void {
    for (const { consumers } of this.#plans.values()) {
      for (const [name, series] of consumers) {
        if (name === OTHER || ++series.idleScrapes <= MAX_IDLE_SCRAPES) continue;
        consumers.delete(name);
        this.#consumers--;
      }
    }
  }
}

function classSamples({ labels, statuses }: ConsumerSeries): Sample[] {
  const samples = statuses.map((value, index) => ({ labels: { ...labels, status_class: `${index + 1}xx` }, value }));
  return samples.filter(({ value }) => value > 0);
}

function errorSamples({ labels, errors }: ConsumerSeries): Sample[] {
  return Array.from(errors ?? [], ([code, value]) => ({ labels: { ...labels, code }, value }));
}
