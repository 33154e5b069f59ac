// Adds up entries of reports: those of several workers, and those of several intervals.
import type { ErrorEntry } from '#api/wire/error-entry.ts';
import type { BackendEntry, CountMessage, DurationsMessage, EndpointEntry, RouteEntry } from '#api/wire/telemetry-messages.ts';
import { DurationSketch } from '#lib/duration-sketch.ts';
import { MAX_CODES, MAX_ERROR_SAMPLES } from '#api/wire/telemetry-limits.ts';

export function addBackend(one: BackendEntry, other: BackendEntry): BackendEntry {
  return { ...other, firstByte: addDurations(one.firstByte, other.firstByte) };
}

export function addEndpoint(one: EndpointEntry, other: EndpointEntry): EndpointEntry {
  return {
    backend: one.backend,
    endpoint: one.endpoint,
    requests: one.requests + other.requests,
    failures: addCounts(one.failures, other.failures),
    serverErrors: one.serverErrors + other.serverErrors,
    connectFailures: one.connectFailures + other.connectFailures,
    firstByteSumMs: one.firstByteSumMs + other.firstByteSumMs,
    firstBytes: one.firstBytes + other.firstBytes,
    ...addSketches(one.sketch, other.sketch),
  };
}

export function addErrors(one: ErrorEntry, other: ErrorEntry): ErrorEntry {
  return { ...one, count: one.count + other.count, samples: [...one.samples, ...other.samples].slice(-MAX_ERROR_SAMPLES) };
}

export function addRoute(one: RouteEntry, other: RouteEntry): RouteEntry {
  return {
    route: one.route,
    requests: one.requests + other.requests,
    classes: addLists(one.classes, other.classes),
    errors: addCounts(one.errors, other.errors),
    duration: addDurations(one.duration, other.duration),
    requestBytes: (one.requestBytes ?? 0) + (other.requestBytes ?? 0),
    responseBytes: (one.responseBytes ?? 0) + (other.responseBytes ?? 0),
    ...addSketches(one.sketch, other.sketch),
  };
}

function addSketches(one: Uint8Array | undefined, other: Uint8Array | undefined): Pick<RouteEntry, 'sketch'> {
  if (one === undefined && other === undefined) return {};
  const sum = new DurationSketch();
  for (const sketch of [one, other]) if (sketch !== undefined) sum.unpack(sketch);
  return { sketch: sum.pack() };
}

/** The sums by code. Codes beyond the maximum count as `other`. */
export function addCounts(one: readonly CountMessage[], other: readonly CountMessage[]): readonly CountMessage[] {
  if (one.length === 0) return other;
  const sums = new Map(one.map(({ code, count }) => [code, count]));
  for (const { code, count } of other) {
    const name = sums.has(code) || sums.size < MAX_CODES - 1 ? code : 'other';
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Array.from(sums, ([code, count]) => ({ code, count }));
}

export function addDurations(one: DurationsMessage | null, other: DurationsMessage | null): DurationsMessage | null {
  if (one === null || other === null) return one ?? other;
  return { buckets: addLists(one.buckets, other.buckets), sumMs: one.sumMs + other.sumMs };
}

/** The sums by index; a list that ends earlier has zeros there. */
export function addLists(one: readonly number[], other: readonly number[]): readonly number[] {
  const [longer, shorter] = one.length >= other.length ? [one, other] : [other, one];
  return longer.map((value, index) => value + (shorter[index] ?? 0));
}
