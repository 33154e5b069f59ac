// The window of one controller: what its proxies have counted in the last two hours, in steps of 10 s. The counts of a report belong to the
// step in which it came. All proxies add up; memory is bounded, and a window that would need more becomes shorter.
import type { CountMessage, EndpointEntry, Entries, RouteEntry } from '#api/wire/telemetry-messages.ts';
import { MAX_CODES } from '#api/wire/telemetry-limits.ts';
import { middleOf } from '#lib/histogram.ts';
import type { DurationSketch } from '#lib/duration-sketch.ts';
import type { Cell } from './cell.ts';
import { Series, STEP_MS, STEPS } from './series.ts';

/** The counters of a route: answers by class 1xx to 5xx, connections without an answer, and bytes of bodies. */
export const ROUTE = { none: 5, requestBytes: 6, responseBytes: 7, size: 8 } as const;
/** The counters of an endpoint. */
export const ENDPOINT = { attempts: 0, connectFailures: 1, size: 2 } as const;
/** The code of an answer with 5xx. */
const SERVER_ERROR = 'status_5xx';

export interface WindowOptions {
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  /** The bytes of packed steps. */
  readonly maxBytes?: number;
  /** Routes, and endpoints, with counts of their own; further ones count as `other`. */
  readonly maxSeries?: number;
}

/** A series with the values of its labels: of a route, or of a backend and an endpoint. */
export interface Labelled {
  readonly labels: readonly string[];
  readonly series: Series;
}

const MAX_BYTES = 128 * 1_024 * 1_024;
const MAX_SERIES = 20_000;
/** Steps between two looks at the memory. */
const TIDY_STEPS = 6;

export class Window {
  readonly #options: Required<WindowOptions>;
  readonly #begun: number;
  readonly #routes = new Map<string, Labelled>();
  readonly #endpoints = new Map<string, Labelled>();
  readonly #codes: string[] = [];
  readonly #codeNumbers = new Map<string, number>();
  /** Steps before are forgotten. */
  #first: number;
  #tidied: number;

  constructor({ now, maxBytes = MAX_BYTES, maxSeries = MAX_SERIES }: WindowOptions) {
    this.#options = { now, maxBytes, maxSeries };
    this.#begun = now();
    this.#first = this.#tidied = stepAt(this.#begun);
  }

  /** The present, milliseconds. */
  get now(): number {
    return this.#options.now();
  }

  /** The current step. */
  get step(): number {
    return stepAt(this.now);
  }

  /** For metrics. */
  get counts() {
    return { series: this.#routes.size + this.#endpoints.size, bytes: this.#bytes() };
  }

  /** The first step that the window knows. */
  get first(): number {
    return this.#first;
  }

  /** The time since the beginning of a step, as far as the window knows it, milliseconds. */
  since(step: number): number {
    const now = this.#options.now();
    return Math.max(1, now - Math.max(this.#begun, this.#first * STEP_MS, step * STEP_MS));
  }

  /** Adds the counts of a report. */
  count({ routes, endpoints }: Pick<Entries, 'routes' | 'endpoints'>): void {
    const { step } = this;
    if (step - this.#tidied >= TIDY_STEPS) this.#tidy(step);
    for (const entry of routes) this.#route(entry, step);
    for (const entry of endpoints) this.#endpoint(entry, step);
  }

  /** The series of routes or of endpoints, with everything before the current step packed. */
  *seriesOf(kind: 'route' | 'endpoint'): Iterable<Labelled> {
    const { step } = this;
    for (const labelled of (kind === 'route' ? this.#routes : this.#endpoints).values()) {
      labelled.series.turn(step);
      yield labelled;
    }
  }

  /** The name of a code by its number. */
  codeOf(number: number): string {
    return this.#codes[number] ?? 'other';
  }

  #route({ route, requests, classes, errors, duration, requestBytes = 0, responseBytes = 0, sketch }: RouteEntry, step: number): void {
    const cell = this.#seriesOf(this.#routes, [route], ROUTE.size).at(step);
    const answered = classes.reduce((sum, count) => sum + count, 0);
    for (const [index, count] of classes.entries()) addAt(cell, index, count);
    addAt(cell, ROUTE.none, Math.max(0, requests - answered));
    addAt(cell, ROUTE.requestBytes, requestBytes);
    addAt(cell, ROUTE.responseBytes, responseBytes);
    this.#addCodes(cell, errors);
    addDurations(cell.sketch, sketch, duration?.buckets ?? []);
  }

  #endpoint({ backend, endpoint, requests, failures, serverErrors, connectFailures, sketch }: EndpointEntry, step: number): void {
    const cell = this.#seriesOf(this.#endpoints, [backend, endpoint], ENDPOINT.size).at(step);
    addAt(cell, ENDPOINT.attempts, requests);
    addAt(cell, ENDPOINT.connectFailures, connectFailures);
    this.#addCodes(cell, failures);
    if (serverErrors > 0) this.#addCodes(cell, [{ code: SERVER_ERROR, count: serverErrors }]);
    addDurations(cell.sketch, sketch, []);
  }

  #seriesOf(known: Map<string, Labelled>, labels: readonly string[], size: number): Series {
    const name = labels.join('|');
    const labelled = known.get(name);
    if (labelled !== undefined) return labelled.series;
    if (known.size >= this.#options.maxSeries && labels[0] !== OTHER)
      return this.#seriesOf(
        known,
        labels.map(() => OTHER),
        size,
      );
    const series = new Series(size);
    known.set(name, { labels, series });
    return series;
  }

  #addCodes(cell: Cell, counts: readonly CountMessage[]): void {
    for (const { code, count } of counts) if (count > 0) cell.addCode(this.#numberOf(code), count);
  }

  /** Codes of all series together; those beyond the maximum count as `other`. */
  #numberOf(code: string): number {
    const known = this.#codeNumbers.get(code);
    if (known !== undefined) return known;
    if (this.#codes.length >= MAX_ALL_CODES && code !== OTHER) return this.#numberOf(OTHER);
    this.#codeNumbers.set(code, this.#codes.length);
    return this.#codes.push(code) - 1;
  }

  #bytes(): number {
    let bytes = 0;
    for (const known of [this.#routes, this.#endpoints]) for (const { series } of known.values()) bytes += series.bytes;
    return bytes;
  }

  /** Forgets steps out of the window, and the oldest ones above the memory; then series without counts. */
  #tidy(step: number): void {
    this.#tidied = step;
    this.#forget(step, step - STEPS + 1);
    for (let first = this.#first; first < step && this.#bytes() > this.#options.maxBytes; first += FORGOTTEN_STEPS)
      this.#forget(step, first + FORGOTTEN_STEPS);
  }

  #forget(step: number, first: number): void {
    this.#first = Math.max(this.#first, first);
    for (const known of [this.#routes, this.#endpoints])
      for (const [name, { series }] of known) {
        series.turn(step);
        series.forget(this.#first);
        if (series.isEmpty) known.delete(name);
      }
  }
}

const OTHER = 'other';
/** Codes of all series: those of Weir and of its plugins. */
const MAX_ALL_CODES = 16 * MAX_CODES;
/** The steps that a window above its memory forgets at once: ten minutes. */
const FORGOTTEN_STEPS = 60;

/** The step of a time. */
export function stepAt(now: number): number {
  return Math.floor(now / STEP_MS);
}

function addAt(cell: Cell, index: number, count: number): void {
  cell.counts[index] = (cell.counts[index] as number) + Math.round(count);
}

/** Adds a packed sketch; without one, as from a proxy of an earlier release, the durations of wide buckets. */
function addDurations(sketch: DurationSketch, packed: Uint8Array | undefined, buckets: readonly number[]): void {
  if (packed !== undefined && packed.length > 0 && sketch.unpack(packed)) return;
  for (const [index, count] of buckets.entries()) sketch.add(middleOf(index), count);
}
