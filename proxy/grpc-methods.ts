// The methods of gRPC services with their metrics: the command of operators, and its part in each worker.
import { isMethodLine, MethodSums, type MethodLine } from '#api/wire/grpc-methods.ts';
import { DURATION_BUCKETS } from '#lib/histogram.ts';
import { packLines, readLines } from '#lib/json-lines.ts';
import type { Method, Schema } from '#lib/protobuf/types.ts';
import { err, ok } from '#lib/result.ts';
import type { GrpcMethodCount, GrpcMethodCounts } from './exchange/grpc-method-counts.ts';
import { MAX_GRPC_STATUS } from './exchange/grpc-status.ts';
import type { FilterDependencies } from './filter/filter.ts';
import { reflectedSchema } from './filter/grpc-reflection/reflected-schema.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { GrpcMethodsInspection, Inspected, Inspecting } from './inspection/inspection.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** Methods in the answer of one proxy. */
const MAX_METHODS = 10_000;

/** What a worker knows of methods. */
export interface MethodSources extends Pick<FilterDependencies, 'ask' | 'outside'> {
  readonly counts: GrpcMethodCounts;
  /** Whether the proxy has this backend (key of its cluster). */
  readonly hasBackend: (key: string) => boolean;
}

/** Sends a line for each method of a backend, or for each one that was counted. */
export async function inspectMethods(
  { backend, asks }: GrpcMethodsInspection,
  { part }: Inspecting,
  { counts, hasBackend, ...dependencies }: MethodSources,
): Promise<Inspected> {
  const sums = new MethodSums(MAX_METHODS);
  for (const count of counts.all) sums.add(counted(count));
  if (asks && hasBackend(backend)) {
    const handle = reflectedSchema(backend, dependencies);
    await handle.refresh();
    const { value, problem } = handle;
    handle.close();
    if (value === null) return err(`backend ${backend} ${problem}`);
    for (const line of described(value)) sums.add(line);
  }
  for (const lines of packLines(sums.lines, PART_BYTES)) await part(lines);
  return ok({ dropped: 0 });
}

function counted({ service, method, statuses, duration }: GrpcMethodCount): MethodLine {
  const durations = Array.from({ length: DURATION_BUCKETS }, (_, i) => duration.bucket(i));
  return { service, method, kind: 'unknown', statuses: [...statuses], durations };
}

function described({ methods }: Schema): readonly MethodLine[] {
  const statuses = Array.from({ length: MAX_GRPC_STATUS + 1 }, () => 0);
  const durations = Array.from({ length: DURATION_BUCKETS }, () => 0);
  return [...methods.values()].map((method) => ({
    ...{ service: method.service, method: method.name, kind: kindOf(method) },
    ...{ statuses, durations },
  }));
}

function kindOf({ clientStreaming, serverStreaming }: Method): MethodLine['kind'] {
  if (clientStreaming) return serverStreaming ? 'bidirectional' : 'client streaming';
  return serverStreaming ? 'server streaming' : 'unary';
}

/** The command for all workers of a proxy: one of them asks the backend. */
export function grpcCommands(supervisor: Pick<Supervisor, 'workers' | 'inspect'>): CommandTable {
  return {
    grpcMethods: async ({ grpcMethods: { backend } }, { chunk, signal }) => {
      const sums = new MethodSums(MAX_METHODS);
      const part = async (data: Buffer): Promise<void> =>
        readLines(data)
          .filter(isMethodLine)
          .forEach((line) => sums.add(line));
      const workers = Array.from({ length: supervisor.workers }, (_, worker) =>
        supervisor.inspect({ kind: 'grpcMethods', backend, asks: worker === 0 && backend !== '' }, worker, { part, signal }),
      );
      const failed = (await Promise.all(workers)).find((inspected) => !inspected.ok);
      // Those of the backend are known by its answer.
      const lines = backend === '' ? sums.lines : sums.lines.filter(({ kind }) => kind !== 'unknown');
      for (const packed of packLines(lines, PART_BYTES)) await chunk(packed);
      return failed === undefined || failed.ok ? ok(undefined) : err(failed.error);
    },
  };
}
