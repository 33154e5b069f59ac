// The metrics of a module. It reads them at once, so they are kept here; the proxy learns at the end of a call what has changed.
import type { FromPlugin } from '../message.ts';
import { STATUS, type Status } from './status.ts';

const MAX_METRICS = 100;
/** Values of a histogram in one call; others are dropped. */
const MAX_VALUES = 1_000;
const TYPES = ['counter', 'gauge', 'histogram'] as const;

interface Metric {
  readonly type: (typeof TYPES)[number];
  readonly name: string;
  value: number;
  /** Of a counter since the proxy knows it. */
  by: number;
  /** Of a histogram. */
  values: number[];
}

export class ModuleMetrics {
  readonly #metrics: Metric[] = [];
  readonly #changed = new Set<Metric>();

  /** The number of the metric, or why there is none. */
  define(type: number, name: string): { readonly id: number } | Status {
    const kind = TYPES[type];
    const own = nameOf(name);
    if (kind === undefined || own === '') return STATUS.badArgument;
    const known = this.#metrics.findIndex((metric) => metric.name === own);
    if (known >= 0) return this.#metrics[known]?.type === kind ? { id: known + 1 } : STATUS.badArgument;
    if (this.#metrics.length >= MAX_METRICS) return STATUS.internalFailure;
    return { id: this.#metrics.push({ type: kind, name: own, value: 0, by: 0, values: [] }) };
  }

  record(id: number, value: number): Status {
    return this.#change(id, (metric) => {
      if (metric.type === 'counter') return add(metric, value);
      metric.value = value;
      if (metric.type === 'histogram' && metric.values.length < MAX_VALUES) metric.values.push(value);
      return STATUS.ok;
    });
  }

  increment(id: number, by: number): Status {
    return this.#change(id, (metric) => {
      if (metric.type === 'histogram' || (metric.type === 'counter' && by < 0)) return STATUS.badArgument;
      return add(metric, by);
    });
  }

  /** Null: there is none. */
  value(id: number): number | null {
    return this.#metrics[id - 1]?.value ?? null;
  }

  /** What the proxy does not know yet. */
  takeChanges(): readonly FromPlugin[] {
    if (this.#changed.size === 0) return [];
    const messages = [...this.#changed].map(messageOf);
    this.#changed.clear();
    return messages;
  }

  #change(id: number, change: (metric: Metric) => Status): Status {
    const metric = this.#metrics[id - 1];
    if (metric === undefined) return STATUS.notFound;
    const status = change(metric);
    if (status === STATUS.ok) this.#changed.add(metric);
    return status;
  }
}

function add(metric: Metric, by: number): Status {
  metric.value += by;
  metric.by += by;
  return STATUS.ok;
}

function messageOf(metric: Metric): FromPlugin {
  const { type, name, value, by, values } = metric;
  metric.by = 0;
  metric.values = [];
  if (type === 'counter') return { type: 'metric', name, by };
  return type === 'gauge' ? { type: 'gauge', name, value } : { type: 'observed', name, values };
}

/** Names of modules have dots and other characters that metrics cannot have. */
function nameOf(name: string): string {
  const plain = name.slice(0, 63).replace(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(plain) ? `_${plain.slice(0, 62)}` : plain;
}
