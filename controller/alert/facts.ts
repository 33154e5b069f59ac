// What the rules of one evaluation read: the subjects with their values, and their traffic, asked once for all rules.
import { needId } from '#api/alert/expression.ts';
import type { SubjectFacts, TrafficIn, TrafficNeed, TrafficNeeds, TrafficOf } from '#api/alert/facts.ts';
import { SUBJECT_TABLE, type SubjectKind } from '#api/alert/subjects.ts';
import { ok, type Result } from '#lib/result.ts';
import type { GaugeName, LabelName, Selection, Values, WindowReader } from '../telemetry/window/reader.ts';
import type { Rule } from './rule.ts';

/** The names of configured objects. */
export interface Inventory {
  /** Keys of routes and backends, which are subjects without traffic too. */
  readonly routes: () => Iterable<string>;
  readonly backends: () => Iterable<string>;
}

/** The subjects of a kind. `isSure`: everything that they were asked is known, so that a condition that does not hold ends alerts. */
export interface Subjects {
  readonly facts: readonly SubjectFacts[];
  readonly isSure: (needs: Iterable<TrafficNeed>) => boolean;
}

/** A kind of subjects with the values of gauges by their label. `sum`: gauges that are added up. */
interface Source {
  readonly label: string;
  readonly gauges: Readonly<Record<string, { readonly gauge: GaugeName; readonly where?: Readonly<Record<string, readonly string[]>> }>>;
  readonly scale?: number;
}

const LATE = ['late', 'away'];

const SOURCES: Readonly<Record<SubjectKind, Source>> = {
  Installation: {
    label: '',
    gauges: {
      proxies: { gauge: 'proxies', where: { state: ['reporting'] } },
      refused: { gauge: 'resources_refused' },
      unservedListeners: { gauge: 'listeners_unserved' },
    },
  },
  Fleet: {
    label: 'scope',
    gauges: {
      reporting: { gauge: 'proxies', where: { state: ['reporting'] } },
      away: { gauge: 'proxies', where: { state: LATE } },
      outdated: { gauge: 'proxies_outdated' },
      draining: { gauge: 'proxies_draining' },
    },
  },
  Proxy: { label: 'proxy', gauges: { lag: { gauge: 'event_loop_lag_seconds' }, memory: { gauge: 'memory_bytes' } } },
  Route: { label: 'route', gauges: {} },
  Backend: {
    label: 'backend',
    gauges: { endpoints: { gauge: 'endpoints' }, usable: { gauge: 'endpoints_usable' }, breakerOpen: { gauge: 'breaker_open' } },
  },
  Certificate: { label: 'secret', gauges: { daysLeft: { gauge: 'certificate_expiry_seconds' } }, scale: 1 / 86_400 },
  Limit: { label: 'limit', gauges: { used: { gauge: 'limits_saturated' } } },
};

/** An answer of the window, by subject. */
interface Answer {
  readonly bySubject: ReadonlyMap<string, readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;
  readonly isSure: boolean;
}

/** Asks everything that rules about this kind of subject read. */
export async function subjectsOf(
  kind: SubjectKind,
  rules: readonly Pick<Rule, 'needs'>[],
  { reader, inventory }: { readonly reader: WindowReader; readonly inventory: Inventory },
): Promise<Result<Subjects>> {
  const needs = new Map(rules.flatMap((rule) => [...rule.needs]));
  const [book, gauges] = await Promise.all([trafficBook(kind, needs, reader), gaugesOf(kind, namesOf(kind, inventory), reader)]);
  if (!book.ok) return book;
  if (!gauges.ok) return gauges;
  const { values, isComplete } = gauges.value;
  const answers = book.value;
  for (const { bySubject } of answers.values()) for (const name of bySubject.keys()) if (!values.has(name)) values.set(name, {});
  return ok({
    facts: [...values].map(([name, own]) => ({ labels: labelsOf(kind, name), values: own, traffic: trafficOf(name, answers) })),
    isSure: (own) => isComplete && [...own].every((need) => isKnown(need, answers)),
  });
}

/** The answers of the window to all needs. */
async function trafficBook(kind: SubjectKind, needs: TrafficNeeds, reader: WindowReader): Promise<Result<ReadonlyMap<string, Answer>>> {
  const { label } = SOURCES[kind];
  const questions = [...needs].flatMap(([id, need]) =>
    questionsOf(kind, need, reader).map((question) => ({ id, ms: need.ms, ...question })),
  );
  const book = new Map<string, Answer>();
  for (const { id, ms, part, answer } of questions) {
    const values = await answer;
    if (!values.ok) return values;
    book.set(`${id} ${part}`, answerOf(values.value, label, ms));
  }
  return ok(book);
}

/** The values of gauges by subject and field. */
async function gaugesOf(kind: SubjectKind, names: readonly string[], reader: WindowReader) {
  const { label, gauges, scale = 1 } = SOURCES[kind];
  const values = new Map<string, Record<string, number>>(names.map((name) => [name, {}]));
  let isComplete = true;
  for (const [field, { gauge, where }] of Object.entries(gauges)) {
    const answer = await reader.gauge(gauge);
    if (!answer.ok) return answer;
    isComplete &&= answer.value.missing.length === 0;
    takeGauge(values, { field, label, where, scale }, answer.value);
  }
  return ok({ values, isComplete });
}

/** Routes, backends and the installation are there without any report. */
function namesOf(kind: SubjectKind, { routes, backends }: Inventory): readonly string[] {
  if (kind === 'Installation') return [''];
  if (kind === 'Route') return [...routes()];
  return kind === 'Backend' ? [...backends()] : [];
}

function labelsOf(kind: SubjectKind, name: string): Readonly<Record<string, string>> {
  const [label] = SUBJECT_TABLE[kind].labels;
  return label === undefined ? {} : { [label]: name };
}

interface GaugePlace {
  readonly field: string;
  readonly label: string;
  readonly where: Readonly<Record<string, readonly string[]>> | undefined;
  readonly scale: number;
}

function takeGauge(
  values: Map<string, Record<string, number>>,
  { field, label, where = {}, scale }: GaugePlace,
  { values: read }: Values,
): void {
  for (const { labels, value } of read) {
    const name = label === '' ? '' : (labels[label] ?? '');
    const own = values.get(name) ?? {};
    values.set(name, own);
    if (Object.entries(where).every(([key, allowed]) => allowed.includes(labels[key] ?? '')))
      own[field] = (own[field] ?? 0) + value * scale;
  }
}

function answerOf({ values, knownMs, missing }: Values, label: string, ms: number): Answer {
  const bySubject = Map.groupBy(values, ({ labels }) => (label === '' ? '' : (labels[label] ?? '')));
  return { bySubject, isSure: missing.length === 0 && knownMs >= ms };
}

function isKnown({ of, ms, argument }: TrafficNeed, book: ReadonlyMap<string, Answer>): boolean {
  return book.get(`${needId(of, ms, argument)} ${MAIN}`)?.isSure === true;
}

/** The parts of a need: that which every subject has, and the failures of backends. */
const MAIN = 'main';
const FAILED = 'failed';

interface Question {
  readonly part: string;
  readonly answer: Promise<Result<Values>>;
}

function questionsOf(kind: SubjectKind, { of, ms, argument }: TrafficNeed, reader: WindowReader): readonly Question[] {
  const isBackend = kind === 'Backend';
  const own: readonly LabelName[] = kind === 'Installation' ? [] : [isBackend ? 'backend' : 'route'];
  const durations: Selection = { metric: isBackend ? 'upstream_first_byte' : 'request_duration', by: own, rangeMs: ms };
  const codes: Selection = { metric: isBackend ? 'upstream_failures' : 'errors', by: [...own, 'code'], rangeMs: ms };
  switch (of) {
    case 'latency':
      return [{ part: MAIN, answer: reader.quantile(argument, durations) }];
    case 'slow':
      return [{ part: MAIN, answer: reader.above(argument, durations) }];
    case 'codes':
      return [{ part: MAIN, answer: reader.sum(codes) }];
    case 'classes':
      if (!isBackend) return [{ part: MAIN, answer: reader.sum({ metric: 'requests', by: [...own, 'class'], rangeMs: ms }) }];
      return [
        { part: MAIN, answer: reader.sum({ metric: 'upstream_attempts', by: own, rangeMs: ms }) },
        { part: FAILED, answer: reader.sum({ metric: 'upstream_failures', by: own, rangeMs: ms }) },
      ];
  }
}

/** The traffic of a subject in the answers. */
function trafficOf(name: string, book: ReadonlyMap<string, Answer>): TrafficIn {
  return (ms): TrafficOf => {
    const rowsOf = (of: TrafficNeed['of'], argument = 0, part = MAIN) =>
      book.get(`${needId(of, ms, argument)} ${part}`)?.bySubject.get(name) ?? [];
    const classes = rowsOf('classes');
    const failed = sumOf(rowsOf('classes', 0, FAILED));
    return {
      requests: sumOf(classes),
      classes: { ...sumsBy(classes, 'class'), ...(failed > 0 ? { '5xx': failed } : {}) },
      codes: sumsBy(rowsOf('codes'), 'code'),
      latency: (q) => rowsOf('latency', q)[0]?.value ?? 0,
      slowRatio: (seconds) => rowsOf('slow', seconds)[0]?.value ?? 0,
    };
  };
}

type Rows = readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];

function sumOf(rows: Rows): number {
  return rows.reduce((sum, { value }) => sum + value, 0);
}

function sumsBy(rows: Rows, label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of rows) sums[labels[label] ?? ''] = (sums[labels[label] ?? ''] ?? 0) + value;
  return sums;
}
