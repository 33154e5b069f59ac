// The methods of gRPC services that a proxy tells: lines of JSON in the answer to the command `grpcMethods`.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { fits } from '#lib/json-schema.ts';
import { DURATION_BUCKETS } from '#lib/histogram.ts';
import { MAX_NAME } from './telemetry-limits.ts';

/** The statuses of gRPC, from 0. */
const STATUSES = 17;

const Name = Type.String({ minLength: 1, maxLength: MAX_NAME });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What messages a method takes and gives; `unknown`: only calls tell of it. */
export const METHOD_KINDS = ['unary', 'client streaming', 'server streaming', 'bidirectional', 'unknown'] as const;

const MethodLine = Type.Object({
  /** With the package. */
  service: Name,
  method: Name,
  kind: Type.Enum([...METHOD_KINDS]),
  /** Calls by status. */
  statuses: Type.Array(Count, { minItems: STATUSES, maxItems: STATUSES }),
  /** Calls by duration (lib/histogram.ts). */
  durations: Type.Array(Count, { minItems: DURATION_BUCKETS, maxItems: DURATION_BUCKETS }),
});

/** A method, and what was counted of it. */
export type MethodLine = Readonly<Static<typeof MethodLine>>;

/** Whether a proxy may say so. */
export function isMethodLine(line: unknown): line is MethodLine {
  return fits(MethodLine, line);
}

/** Methods with their counts added up, from any number of lines. */
export class MethodSums {
  readonly #byName = new Map<string, MethodLine>();
  readonly #max: number;

  /** `max`: the most methods; lines of others are left out. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Sorted by service and method. */
  get lines(): readonly MethodLine[] {
    return [...this.#byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  }

  add(line: MethodLine): void {
    const name = `${line.service}/${line.method}`;
    const known = this.#byName.get(name);
    if (known === undefined && this.#byName.size >= this.#max) return;
    this.#byName.set(name, known === undefined ? line : sumOf(known, line));
  }
}

function sumOf(one: MethodLine, other: MethodLine): MethodLine {
  return {
    ...one,
    kind: one.kind === 'unknown' ? other.kind : one.kind,
    statuses: one.statuses.map((count, i) => count + (other.statuses[i] ?? 0)),
    durations: one.durations.map((count, i) => count + (other.durations[i] ?? 0)),
  };
}
