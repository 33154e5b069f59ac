// What one controller answers to a question about the window, as data that controllers can exchange and add up: sums, and packed sketches,
// since percentiles of several controllers cannot be added.
import { err, ok, type Result } from '#lib/result.ts';
import { Cell } from './cell.ts';
import { WINDOW_METRICS } from './reader.ts';
import type { LabelName, Matcher, Selection, WindowMetric } from './reader.ts';
import { STEP_MS, STEPS } from './series.ts';
import type { StepRange } from './series.ts';
import { ENDPOINT, ROUTE, stepAt } from './window.ts';
import type { Labelled, Window } from './window.ts';

/** A question to one controller. */
export interface WindowQuestion {
  readonly selection: Selection;
  /** Equal parts of the range. */
  readonly intervals: number;
  /** Whether percentiles are wanted. */
  readonly withSketches: boolean;
}

export interface PartGroup {
  /** In the order of `by`. */
  readonly values: readonly string[];
  /** One for each interval, the oldest first. */
  readonly sums: readonly number[];
  /** Of the whole range, in base64; '' without durations. */
  readonly sketch: string;
}

/** The answer of one controller. */
export interface WindowPart {
  /** How much of the range this controller knows, milliseconds. */
  readonly knownMs: number;
  readonly groups: readonly PartGroup[];
}

/** The longest range of the window, milliseconds. */
export const WINDOW_MS = STEPS * STEP_MS;
/** Combinations of labels in an answer. */
const MAX_GROUPS = 5_000;
/** Series that are read at once: other work of the controller comes between. */
const SERIES_PER_TURN = 200;

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'];

/** The counts of one group. */
class Group {
  readonly values: readonly string[];
  readonly sums: number[];
  readonly cell = new Cell(0);

  constructor(values: readonly string[], intervals: number) {
    this.values = values;
    this.sums = Array.from({ length: intervals }, () => 0);
  }
}

/** Answers a question from the window of this controller. */
export async function partOf(window: Window, question: WindowQuestion): Promise<Result<WindowPart>> {
  const { selection, intervals } = question;
  const ranges = rangesOf(window, selection, intervals);
  const groups = new Map<string, Group>();
  const reading = new Reading(window, question, ranges, groups);
  let read = 0;
  for (const labelled of window.seriesOf(isOfRoutes(selection.metric) ? 'route' : 'endpoint')) {
    if (++read % SERIES_PER_TURN === 0) await new Promise(setImmediate);
    reading.add(labelled);
    if (groups.size > MAX_GROUPS) return err(`the answer has more than ${MAX_GROUPS} combinations of labels: ask for fewer labels`);
  }
  return ok({ knownMs: knownOf(window, selection, ranges), groups: Array.from(groups.values(), describe) });
}

/** The steps of each interval; whole steps, so the first may begin up to 10 s early. */
function rangesOf(window: Window, { rangeMs, offsetMs = 0 }: Selection, intervals: number): readonly StepRange[] {
  const end = window.now - offsetMs;
  const length = rangeMs / intervals;
  const last = offsetMs === 0 ? window.step : stepAt(end) - 1;
  return Array.from({ length: intervals }, (_, index) => ({
    first: Math.max(window.first, stepAt(end - length * (intervals - index))),
    last: index === intervals - 1 ? last : stepAt(end - length * (intervals - index - 1)) - 1,
  }));
}

function knownOf(window: Window, { offsetMs = 0 }: Selection, ranges: readonly StepRange[]): number {
  const since = window.since(ranges[0]?.first ?? window.step);
  return offsetMs === 0 ? since : Math.max(1, since - window.since((ranges.at(-1)?.last ?? 0) + 1));
}

function isOfRoutes(metric: WindowMetric): boolean {
  return WINDOW_METRICS[metric].labels[0] === 'route';
}

/** Reads series into groups. */
class Reading {
  readonly #window: Window;
  readonly #question: WindowQuestion;
  readonly #ranges: readonly StepRange[];
  readonly #groups: Map<string, Group>;
  readonly #names: readonly LabelName[];
  readonly #cell: Cell;

  constructor(window: Window, question: WindowQuestion, ranges: readonly StepRange[], groups: Map<string, Group>) {
    this.#window = window;
    this.#question = question;
    this.#ranges = ranges;
    this.#groups = groups;
    this.#names = isOfRoutes(question.selection.metric) ? ['route'] : ['backend', 'endpoint'];
    this.#cell = new Cell(isOfRoutes(question.selection.metric) ? ROUTE.size : ENDPOINT.size);
  }

  add({ labels, series }: Labelled): void {
    const { selection, withSketches } = this.#question;
    const known = new Map<LabelName, string>(this.#names.map((name, index) => [name, labels[index] ?? '']));
    if (!meets(selection.where, known, this.#names)) return;
    const isDuration = WINDOW_METRICS[selection.metric].isDuration;
    for (const [index, range] of this.#ranges.entries()) {
      this.#cell.clear();
      series.addTo(this.#cell, range, isDuration);
      for (const { label, value, count } of this.#counts(selection.metric)) this.#count(known, label, value, index, count);
      if (withSketches && this.#cell.sketch.total > 0) this.#groupOf(known).cell.sketch.merge(this.#cell.sketch);
    }
  }

  #count(known: Map<LabelName, string>, label: LabelName | null, value: string, interval: number, count: number): void {
    const { where, by = [] } = this.#question.selection;
    if (label !== null) {
      if (!meets(where, new Map([[label, value]]), [label])) return;
      known.set(label, value);
    }
    const { sums } = this.#groupOf(known, by);
    sums[interval] = (sums[interval] ?? 0) + count;
  }

  #groupOf(known: ReadonlyMap<LabelName, string>, by = this.#question.selection.by ?? []): Group {
    const values = by.map((name) => known.get(name) ?? '');
    const name = values.join('|');
    const group = this.#groups.get(name) ?? new Group(values, this.#ranges.length);
    this.#groups.set(name, group);
    return group;
  }

  /** The counts of the cell that the metric means, with the label that a cell has inside. */
  #counts(metric: WindowMetric): readonly InCell[] {
    const { counts, codes, sketch } = this.#cell;
    if (metric === 'requests')
      return CLASSES.map((value, index) => ({ label: 'class' as const, value, count: counts[index] ?? 0 })).filter(isSome);
    if (metric === 'errors' || metric === 'upstream_failures')
      return Array.from(codes, ([code, count]) => ({ label: 'code', value: this.#window.codeOf(code), count }));
    const count = WINDOW_METRICS[metric].isDuration ? sketch.total : (counts[COUNTERS[metric] ?? 0] ?? 0);
    return count === 0 ? [] : [{ label: null, value: '', count }];
  }
}

/** A count of a cell, with the label that the cell has inside; null without one. */
interface InCell {
  readonly label: LabelName | null;
  readonly value: string;
  readonly count: number;
}

function isSome({ count }: InCell): boolean {
  return count > 0;
}

/** The counter of metrics without a label of their own. */
const COUNTERS: Partial<Record<WindowMetric, number>> = {
  request_bytes: ROUTE.requestBytes,
  response_bytes: ROUTE.responseBytes,
  upstream_attempts: ENDPOINT.attempts,
  upstream_connect_failures: ENDPOINT.connectFailures,
};

/** Whether the conditions on these labels hold. */
function meets(where: readonly Matcher[] = [], known: ReadonlyMap<LabelName, string>, names: readonly LabelName[]): boolean {
  return where.every(({ label, is, value }) => !names.includes(label) || holds(is, known.get(label) ?? '', value));
}

function holds(is: Matcher['is'], actual: string, value: string): boolean {
  if (is === 'starts') return actual.startsWith(value);
  return (actual === value) === (is === 'equal');
}

function describe({ values, sums, cell: { sketch } }: Group): PartGroup {
  return { values, sums, sketch: sketch.total === 0 ? '' : Buffer.from(sketch.pack()).toString('base64') };
}
