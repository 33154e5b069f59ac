// The window of all controllers: each answers from its own, and the answers add up. Each count is at one controller.
import type { Resource } from '#api/ir/ir.ts';
import { MAX_LISTED_KEYS } from '#api/wire/telemetry-limits.ts';
import { DurationSketch } from '#lib/duration-sketch.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Fleet, Peers } from '../fleet.ts';
import type { TelemetryHub } from '../hub.ts';
import type { LimitBook } from '../limit-book.ts';
import { gaugeReader } from './gauges.ts';
import { partOf, WINDOW_MS } from './part.ts';
import type { PartGroup, WindowPart, WindowQuestion } from './part.ts';
import { WINDOW_METRICS } from './reader.ts';
import type { GaugeName, History, LabelledValue, LabelName, Selection, Values, WindowReader } from './reader.ts';
import { MAX_INTERVALS, mistakeIn } from './selection.ts';
import type { Window } from './window.ts';

/** What other controllers answer. Never rejects. */
export type AskWindows = (
  question: WindowQuestion,
) => Promise<{ readonly windows: readonly WindowPart[]; readonly missing: readonly string[] }>;

/** The present values of gauges. */
export type ReadGauge = (name: GaugeName) => Promise<Omit<Values, 'knownMs'>>;

export interface FleetWindowOptions {
  readonly window: Window;
  readonly others: AskWindows;
  readonly gauge: ReadGauge;
}

/** The parts of a controller that the window reads. */
export interface WindowSources {
  readonly hub: TelemetryHub;
  readonly peers: Pick<Peers, 'windows'>;
  readonly fleet: Pick<Fleet, 'status'>;
  readonly limits: LimitBook;
  /** All compiled resources. */
  readonly resources: () => Iterable<Resource>;
  /** Resources that proxies refuse; null where that is not known. */
  readonly refused: () => number | null;
}

/** The window of all controllers. */
export function fleetWindow({ hub, peers, fleet, limits, resources, refused }: WindowSources): FleetWindow {
  return new FleetWindow({
    window: hub.window,
    others: (question) => peers.windows(question),
    gauge: gaugeReader({ status: () => fleet.status(), resources, refused, limits: () => saturationOf(limits) }),
  });
}

/** The share that the busiest listed key of each limit has taken. */
async function saturationOf(limits: LimitBook): Promise<ReadonlyMap<string, number>> {
  const shares = new Map<string, number>();
  const listed = await limits.list('', MAX_LISTED_KEYS);
  if (!listed.ok) return shares;
  for (const { limit, left, of } of listed.value.keys) shares.set(limit, Math.max(shares.get(limit) ?? 0, of === 0 ? 1 : (of - left) / of));
  return shares;
}

/** The answers of all controllers, added up. */
interface Answer {
  readonly knownMs: number;
  readonly groups: readonly PartGroup[];
  readonly missing: readonly string[];
}

export class FleetWindow implements WindowReader {
  readonly #options: FleetWindowOptions;

  constructor(options: FleetWindowOptions) {
    this.#options = options;
  }

  sum(selection: Selection): Promise<Result<Values>> {
    return this.#values(selection, false, ({ sums }) => total(sums));
  }

  rate(selection: Selection): Promise<Result<Values>> {
    return this.#values(selection, false, ({ sums }, knownMs) => (total(sums) / knownMs) * 1_000);
  }

  quantile(share: number, selection: Selection): Promise<Result<Values>> {
    if (!(share >= 0 && share <= 1)) return Promise.resolve(err('a share must be from 0 to 1'));
    if (!WINDOW_METRICS[selection.metric]?.isDuration) return Promise.resolve(err(`${selection.metric} has no percentiles`));
    return this.#values(selection, true, ({ sketch }) => {
      const ms = unpacked(sketch).quantile(share);
      return ms === null ? null : ms / 1_000;
    });
  }

  above(seconds: number, selection: Selection): Promise<Result<Values>> {
    if (!WINDOW_METRICS[selection.metric]?.isDuration) return Promise.resolve(err(`${selection.metric} has no percentiles`));
    return this.#values(selection, true, ({ sketch }) => unpacked(sketch).shareAbove(seconds * 1_000));
  }

  async ratio(part: Selection, whole: Selection): Promise<Result<Values>> {
    const [parts, wholes] = await Promise.all([this.sum(part), this.sum(whole)]);
    if (!parts.ok) return parts;
    if (!wholes.ok) return wholes;
    return ok(divided(parts.value, wholes.value));
  }

  async history(selection: Selection, intervals: number): Promise<Result<History>> {
    if (!(Number.isInteger(intervals) && intervals >= 1 && intervals <= MAX_INTERVALS))
      return err(`a history has 1 to ${MAX_INTERVALS} intervals`);
    const answer = await this.#ask({ selection, intervals, withSketches: false });
    if (!answer.ok) return answer;
    const intervalMs = selection.rangeMs / intervals;
    const series = answer.value.groups.map(({ values, sums }) => ({
      labels: labelsOf(selection.by, values),
      values: sums.map((sum) => (sum / intervalMs) * 1_000),
    }));
    return ok({ intervalMs, endsAt: Date.now() - (selection.offsetMs ?? 0), series, missing: answer.value.missing });
  }

  async gauge(name: GaugeName): Promise<Result<Values>> {
    return ok({ ...(await this.#options.gauge(name)), knownMs: 0 });
  }

  async #values(
    selection: Selection,
    withSketches: boolean,
    valueOf: (group: PartGroup, knownMs: number) => number | null,
  ): Promise<Result<Values>> {
    const answer = await this.#ask({ selection, intervals: 1, withSketches });
    if (!answer.ok) return answer;
    const { groups, knownMs, missing } = answer.value;
    const values = groups.flatMap((group): readonly LabelledValue[] => {
      const value = valueOf(group, knownMs);
      return value === null ? [] : [{ labels: labelsOf(selection.by, group.values), value }];
    });
    return ok({ values: values.toSorted((one, other) => other.value - one.value), knownMs, missing });
  }

  async #ask(question: WindowQuestion): Promise<Result<Answer>> {
    const { selection } = question;
    const mistake = mistakeIn(selection);
    if (mistake !== null) return err(mistake);
    if (selection.rangeMs + (selection.offsetMs ?? 0) > WINDOW_MS) return err('the window has the last two hours only');
    const [own, { windows, missing }] = await Promise.all([partOf(this.#options.window, question), this.#options.others(question)]);
    if (!own.ok) return own;
    const parts = [own.value, ...windows];
    return ok({ knownMs: Math.max(...parts.map(({ knownMs }) => knownMs)), groups: joined(parts), missing });
  }
}

/** The groups of several controllers, each combination of labels once. */
function joined(parts: readonly WindowPart[]): readonly PartGroup[] {
  if (parts.length === 1) return parts[0]?.groups ?? [];
  const groups = new Map<string, PartGroup>();
  for (const group of parts.flatMap((part) => part.groups)) {
    const name = group.values.join('|');
    const known = groups.get(name);
    groups.set(name, known === undefined ? group : added(known, group));
  }
  return [...groups.values()];
}

function added(one: PartGroup, other: PartGroup): PartGroup {
  const sums = one.sums.map((sum, index) => sum + (other.sums[index] ?? 0));
  if (one.sketch === '' || other.sketch === '') return { ...one, sums, sketch: one.sketch || other.sketch };
  const sketch = unpacked(one.sketch);
  sketch.merge(unpacked(other.sketch));
  return { ...one, sums, sketch: Buffer.from(sketch.pack()).toString('base64') };
}

function unpacked(text: string): DurationSketch {
  const sketch = new DurationSketch();
  sketch.unpack(Buffer.from(text, 'base64'));
  return sketch;
}

function total(sums: readonly number[]): number {
  return sums.reduce((all, sum) => all + sum, 0);
}

function labelsOf(by: readonly LabelName[] = [], values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(by.map((name, index) => [name, values[index] ?? '']));
}

/** The values of `parts` divided by those of `wholes` with the same labels. */
export function divided(parts: Values, wholes: Values): Values {
  const by = new Map(parts.values.map((each) => [JSON.stringify(each.labels), each.value]));
  const values = wholes.values
    .filter(({ value }) => value !== 0)
    .map(({ labels, value }) => ({ labels, value: (by.get(JSON.stringify(labels)) ?? 0) / value }));
  const missing = [...new Set([...parts.missing, ...wholes.missing])];
  return {
    values: values.toSorted((one, other) => other.value - one.value),
    knownMs: Math.min(parts.knownMs, wholes.knownMs),
    missing,
  };
}
