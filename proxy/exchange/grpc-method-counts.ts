// Counts gRPC calls by the methods that descriptors know. Paths of callers make no series: an unknown method counts as `other`.
import { Histogram } from '#lib/histogram.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';
import { MAX_GRPC_STATUS } from './grpc-status.ts';

/** Methods with counts of their own in one worker; further ones share `other`. */
export const MAX_COUNTED_METHODS = 1_000;

const DURATION = 'weir_grpc_method_duration_seconds';
const OTHER = 'other';

/** The counts of one method. */
export interface GrpcMethodCount {
  /** `other` for all methods without counts of their own. */
  readonly service: string;
  readonly method: string;
  /** By status. */
  readonly statuses: Float64Array;
  readonly duration: Histogram;
}

export class GrpcMethodCounts {
  readonly #byPath = new Map<string, GrpcMethodCount>();
  readonly #other = countOf(OTHER, OTHER);
  readonly #maxMethods: number;

  constructor(maxMethods: number = MAX_COUNTED_METHODS) {
    this.#maxMethods = maxMethods;
  }

  /** Those of all methods that had a call, in the order of their first ones. */
  get all(): Iterable<GrpcMethodCount> {
    return [...this.#byPath.values(), this.#other].filter(({ duration }) => duration.total > 0);
  }

  /** Counts a call of a method that descriptors have; null: they do not have it. `ms`: its duration. */
  count(method: { readonly service: string; readonly name: string; readonly path: string } | null, status: number, ms: number): void {
    const { statuses, duration } = method === null ? this.#other : this.#of(method);
    statuses[status] = (statuses[status] ?? 0) + 1;
    duration.observe(ms);
  }

  #of({ service, name, path }: { readonly service: string; readonly name: string; readonly path: string }): GrpcMethodCount {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    if (this.#byPath.size >= this.#maxMethods) return this.#other;
    const made = countOf(service, name);
    this.#byPath.set(path, made);
    return made;
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_grpc_method_requests_total',
        type: 'counter',
        help: 'gRPC calls of routes with grpcMethods, by method and gRPC status',
        read: () => [...this.all].flatMap(requestSamples),
      },
      {
        name: DURATION,
        type: 'histogram',
        help: 'Time from the first byte of a gRPC call to the end of its answer, by method',
        read: () => [...this.all].flatMap((count) => count.duration.samples(DURATION, labelsOf(count))),
      },
    ];
  }
}

function countOf(service: string, method: string): GrpcMethodCount {
  return { service, method, statuses: new Float64Array(MAX_GRPC_STATUS + 1), duration: new Histogram() };
}

function labelsOf({ service, method }: GrpcMethodCount): Readonly<Record<string, string>> {
  return { grpc_service: service, grpc_method: method };
}

function requestSamples(count: GrpcMethodCount): Sample[] {
  const samples: Sample[] = [];
  count.statuses.forEach((value, status) => {
    if (value > 0) samples.push({ labels: { ...labelsOf(count), grpc_status: String(status) }, value });
  });
  return samples;
}
