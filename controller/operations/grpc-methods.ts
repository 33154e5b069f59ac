// The resource /grpc-methods: the methods of gRPC services, and what all proxies have counted of them.
import { Type } from '#lib/typebox.ts';
import { isMethodLine, MethodSums, type MethodLine } from '#api/wire/grpc-methods.ts';
import { quantile } from '#lib/histogram.ts';
import { ok } from '#lib/result.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { commandLines, type Commanding } from './command-lines.ts';
import { operation, type Operation, type Outcome } from './operation.ts';

/** Methods in an answer. */
const MAX_METHODS = 10_000;

const ListInput = Type.Object(
  {
    /** As `GET /status` names it; absent: the methods that were counted, of any backend. */
    backend: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
  },
  { additionalProperties: false },
);

/** A method in the answer. */
export interface ListedMethod extends Pick<MethodLine, 'service' | 'method' | 'kind'> {
  readonly calls: number;
  /** Those with another status than OK. */
  readonly failures: number;
  /** Calls by status of gRPC, without those that did not occur. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Quantiles of the duration, milliseconds; null without calls. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** The answer to a look at methods. */
export interface MethodList {
  readonly methods: readonly ListedMethod[];
  readonly proxies: readonly ProxyEnd[];
}

/** `GET /grpc-methods`. */
export function grpcMethodOperations(fleet: Commanding): readonly Operation[] {
  return [operation('GET /grpc-methods', ListInput, ({ backend = '' }) => list(fleet, backend))];
}

async function list(fleet: Commanding, backend: string): Promise<Outcome> {
  const sums = new MethodSums(MAX_METHODS);
  const proxies = await commandLines(fleet, { action: 'grpcMethods', grpcMethods: { backend } }, (_, line) => {
    if (isMethodLine(line)) sums.add(line);
  });
  return ok({ methods: sums.lines.map(listed), proxies } satisfies MethodList);
}

function listed({ service, method, kind, statuses, durations }: MethodLine): ListedMethod {
  const calls = statuses.reduce((sum, count) => sum + count, 0);
  const occurred = statuses.flatMap((count, status) => (count === 0 ? [] : [[String(status), count] as const]));
  return {
    ...{ service, method, kind, calls, failures: calls - (statuses[0] ?? 0) },
    ...{ statuses: Object.fromEntries(occurred), p50Ms: quantile(durations, 0.5), p99Ms: quantile(durations, 0.99) },
  };
}
