// The failures of a worker since its last report, grouped by code, route, backend and cause, with a few samples of each group: bounded,
// however many requests fail and whatever they contain.
import type { ErrorEntry } from '#api/wire/error-entry.ts';
import { MAX_ERROR_SAMPLES } from '#api/wire/telemetry-limits.ts';
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';
import type { ExchangeListener } from '../../exchange/exchange-events.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { Causes } from './cause.ts';
import { sampleOf, streamSampleOf } from './sample.ts';

/** Groups between two reports; further failures count together. */
const MAX_GROUPS = 200;
/** Samples between two reports, of all groups. */
const MAX_SAMPLES = 40;

type Group = { -readonly [Field in keyof ErrorEntry]: ErrorEntry[Field] } & { samples: ErrorEntry['samples'][number][] };

/** Hears of requests that failed. */
export interface FailureListener {
  failed(exchange: Exchange, ms: number): void;
}

export class ErrorGroups implements ExchangeListener {
  readonly #causes = new Causes(DEFAULT_REDACTOR.text);
  readonly #listener: FailureListener | null;
  #groups = new Map<string, Group>();
  #samples = 0;

  /** The listener hears of failures here, so that other requests do not pay for it. */
  constructor(listener: FailureListener | null = null) {
    this.#listener = listener;
  }

  ended(exchange: Exchange, ms: number): void {
    const { error, status } = exchange;
    if (error === null && status < 500) return;
    this.#listener?.failed(exchange, ms);
    const code = error === null ? 'status_5xx' : error.code;
    const cause = error === null ? `status ${status}` : this.#causes.of(error.detail);
    const group = this.#count(code, routeOf(exchange), backendOf(exchange), cause);
    if (this.#hasRoom(group)) group.samples.push(sampleOf(exchange));
  }

  /** A connection of a stream route has ended. */
  sessionEnded(session: StreamSession): void {
    const { error, target } = session;
    if (error === null) return;
    const group = this.#count(error.code, target.plan?.key ?? '', '', this.#causes.of(error.detail));
    if (this.#hasRoom(group)) group.samples.push(streamSampleOf(session));
  }

  /** The groups since the last call. */
  take(): readonly ErrorEntry[] {
    if (this.#groups.size === 0) return [];
    const groups = [...this.#groups.values()];
    this.#groups = new Map();
    this.#samples = 0;
    return groups;
  }

  /** A group takes few samples per report, and all of them together: a sample costs more than a count. */
  #hasRoom({ samples }: Group): boolean {
    if (samples.length >= MAX_ERROR_SAMPLES || this.#samples >= MAX_SAMPLES) return false;
    this.#samples++;
    return true;
  }

  #count(code: string, route: string, backend: string, cause: string): Group {
    const name = `${code}|${route}|${backend}|${cause}`;
    const group = this.#groups.get(name) ?? this.#make(name, { code, route, backend, cause });
    group.count++;
    return group;
  }

  #make(name: string, labels: Pick<ErrorEntry, 'code' | 'route' | 'backend' | 'cause'>): Group {
    if (this.#groups.size >= MAX_GROUPS && labels.code !== 'other') return this.#other();
    const group = { ...labels, count: 0, samples: [] };
    this.#groups.set(name, group);
    return group;
  }

  #other(): Group {
    return this.#groups.get('other') ?? this.#make('other', { code: 'other', route: '', backend: '', cause: '' });
  }
}

function routeOf({ route }: Exchange): string {
  return route === null ? '' : route.key;
}

function backendOf({ backend }: Exchange): string {
  return backend?.cluster?.key ?? '';
}
