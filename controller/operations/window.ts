// Questions about the window of the last two hours: sums, rates, ratios, percentiles, histories and gauges, as docs/reference/window.md has
// them.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { parseDuration } from '#lib/duration.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { FieldError } from '#api/k8s/field-error.ts';
import { GAUGES, WINDOW_METRICS } from '../telemetry/window/reader.ts';
import type { GaugeName, History, Selection, Values, WindowMetric, WindowReader } from '../telemetry/window/reader.ts';
import { topOf } from '../telemetry/window/top.ts';
import type { Top } from '../telemetry/window/top.ts';
import { invalid, operation } from './operation.ts';
import type { Operation, Outcome } from './operation.ts';

const CLOSED = { additionalProperties: false };
const Text = Type.String({ minLength: 1, maxLength: 512 });
const LabelName = Type.Enum(['route', 'class', 'code', 'backend', 'endpoint']);

const SelectionInput = Type.Object(
  {
    metric: Type.Enum(Object.keys(WINDOW_METRICS) as WindowMetric[]),
    where: Type.Optional(
      Type.Array(Type.Object({ label: LabelName, is: Type.Enum(['equal', 'unequal', 'starts']), value: Text }, CLOSED), { maxItems: 16 }),
    ),
    by: Type.Optional(Type.Array(LabelName, { maxItems: 5 })),
    range: Type.String({ minLength: 1, maxLength: 32, default: '5m' }),
    /** How long ago the range ended. */
    offset: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
  },
  CLOSED,
);

const QueryInput = Type.Object(
  {
    function: Type.Enum(['sum', 'rate', 'ratio', 'quantile', 'history']),
    of: SelectionInput,
    /** The divisor of a ratio. */
    by: Type.Optional(SelectionInput),
    /** Of a quantile, 0 to 1. */
    share: Type.Number({ minimum: 0, maximum: 1, default: 0.99 }),
    /** Of a history. */
    intervals: Type.Integer({ minimum: 1, maximum: 720, default: 30 }),
  },
  CLOSED,
);
type Query = Static<typeof QueryInput>;

const GaugeInput = Type.Object({ name: Type.Enum(Object.keys(GAUGES) as GaugeName[]) }, CLOSED);

const TopInput = Type.Object({ range: Type.String({ minLength: 1, maxLength: 32, default: '1m' }) }, CLOSED);

/** `POST /window/query`, `GET /top` and `GET /window/gauge`. */
export function windowOperations(window: WindowReader): readonly Operation[] {
  return [
    operation('POST /window/query', QueryInput, (query) => answer(window, query)),
    operation('GET /top', TopInput, ({ range }) => top(window, range)),
    operation('GET /window/gauge', GaugeInput, async ({ name }) => outcomeOf(await window.gauge(name))),
  ];
}

async function top(window: WindowReader, text: string): Promise<Outcome> {
  const range = parseDuration(text);
  if (!range.ok) return invalid([{ field: 'range', reason: range.error }]);
  return outcomeOf(await topOf(window, range.value));
}

async function answer(window: WindowReader, query: Query): Promise<Outcome> {
  const of = selectionOf(query.of, 'of');
  if (!of.ok) return invalid([of.error]);
  switch (query.function) {
    case 'sum':
      return outcomeOf(await window.sum(of.value));
    case 'rate':
      return outcomeOf(await window.rate(of.value));
    case 'quantile':
      return outcomeOf(await window.quantile(query.share, of.value));
    case 'history':
      return outcomeOf(await window.history(of.value, query.intervals));
    case 'ratio': {
      if (query.by === undefined) return invalid([{ field: 'by', reason: 'must be the divisor of the ratio' }]);
      const by = selectionOf(query.by, 'by');
      return by.ok ? outcomeOf(await window.ratio(of.value, by.value)) : invalid([by.error]);
    }
  }
}

function outcomeOf(result: Result<Values | History | Top>): Outcome {
  return result.ok ? result : err({ status: 409, detail: result.error });
}

function selectionOf(input: Query['of'], field: string): Result<Selection, FieldError> {
  const { metric, where = [], by = [] } = input;
  const range = parseDuration(input.range);
  if (!range.ok) return err({ field: `${field}.range`, reason: range.error });
  const offset = parseDuration(input.offset ?? '0s');
  if (!offset.ok) return err({ field: `${field}.offset`, reason: offset.error });
  return ok({ metric, where, by, rangeMs: range.value, offsetMs: offset.value });
}
