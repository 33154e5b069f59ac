// What the window costs a controller: 10 proxies report 1,000 routes and 900 endpoints at 10,000 requests per second, for two hours of
// simulated time. Memory is that of the full window and the views of all proxies; CPU is that of reports as bytes of gRPC, from their
// decoding on, for a minute.
import type { EndpointEntry, FromProxy, ReportMessage, RouteEntry } from '#api/wire/telemetry-messages.ts';
import { TELEMETRY } from '#api/wire/telemetry.ts';
import { DurationSketch } from '#lib/duration-sketch.ts';
import { createLog } from '#lib/log.ts';
import { TelemetryHub } from '../controller/telemetry/hub.ts';
import type { Accepted } from '../controller/telemetry/hub.ts';
import { FleetWindow } from '../controller/telemetry/window/fleet-window.ts';
import { WINDOW_MS } from '../controller/telemetry/window/part.ts';
import { STEP_MS } from '../controller/telemetry/window/series.ts';

const PROXIES = 10;
const ROUTES = 1_000;
const ENDPOINTS = 900;
const REQUESTS_PER_SECOND = 10_000;
/** Entries of one kind in a report. */
const ENTRIES = 500;

export interface WindowResult {
  /** Growth of heap and buffers, MiB. */
  readonly memoryMiB: number;
  /** Of the packed steps alone. */
  readonly packedMiB: number;
  /** The share of one core. */
  readonly cpuShare: number;
  /** A percentile by route over two hours, and the rate by route over five minutes, milliseconds. */
  readonly quantileMs: number;
  readonly rateMs: number;
}

/** Runs it. Needs `node --expose-gc`. */
export async function benchWindow(): Promise<WindowResult> {
  let now = 0;
  const before = memory();
  const hub = new TelemetryHub({ log: createLog('silent'), subscribed: () => [], now: () => now });
  const streams = Array.from({ length: PROXIES }, (_, index) => {
    const stream = hub.accept({ scope: 'shared', address: '', send: () => undefined, end: (_code, reason) => console.error(reason) });
    const hello = { nodeId: `p${index}`, weirVersion: '1', instance: String(index), workers: 1, commands: [] };
    void stream.receive({ message: 'hello', hello });
    return stream;
  });
  // All proxies of a step at once: the window adds them up in any case.
  for (; now < WINDOW_MS; now += STEP_MS) hub.window.count(entries(REQUESTS_PER_SECOND * (STEP_MS / 1_000), 0, ROUTES));
  const bytes = streams.map((_, index) => reportsOf(index));
  const started = process.cpuUsage();
  for (let step = 0; step < 60_000 / STEP_MS; step++) {
    now += STEP_MS;
    for (const [index, stream] of streams.entries()) await report(stream, bytes[index] ?? [], 2 * step);
  }
  const { user, system } = process.cpuUsage(started);
  const cpuShare = (user + system) / 1_000 / 60_000;
  const memoryMiB = (memory() - before) / 1_048_576;
  const reader = new FleetWindow({
    window: hub.window,
    others: () => Promise.resolve({ windows: [], missing: [] }),
    gauge: () => Promise.resolve({ values: [], missing: [] }),
  });
  const quantileMs = await timed(() => reader.quantile(0.99, { metric: 'request_duration', by: ['route'], rangeMs: WINDOW_MS }));
  const rateMs = await timed(() => reader.rate({ metric: 'requests', by: ['route'], rangeMs: 300_000 }));
  for (const stream of streams) stream.close();
  return { memoryMiB, packedMiB: hub.window.counts.bytes / 1_048_576, cpuShare, quantileMs, rateMs };
}

/** Takes reports as bytes; `before`: those that the proxy has sent. */
async function report(stream: Accepted, reports: readonly Buffer[], before: number): Promise<void> {
  const decode = TELEMETRY['Report']?.requestDeserialize as (bytes: Buffer) => FromProxy;
  for (const [index, bytes] of reports.entries()) {
    const message = decode(bytes);
    if (message.message === 'report')
      await stream.receive({ message: 'report', report: { ...message.report, sequence: before + index + 1 } });
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** The two reports of a proxy in a step, as bytes. */
function reportsOf(proxy: number): readonly Buffer[] {
  const encode = TELEMETRY['Report']?.requestSerialize as (message: FromProxy) => Buffer;
  const requests = (REQUESTS_PER_SECOND * (STEP_MS / 1_000)) / PROXIES;
  return [0, ENTRIES].map((from) => {
    const report: ReportMessage = {
      ...{ sequence: 1, fresh: false, revision: 'r', gauges: null, backends: [], addresses: [], gone: [], waiting: 0 },
      ...entries(requests, from, Math.min(ROUTES, from + ENTRIES)),
    };
    return encode({ message: 'report', report: { ...report, revision: `${report.revision}${proxy}` } });
  });
}

/** The counts of so many requests, spread over routes and endpoints; log-normal durations around 12 ms. */
function entries(requests: number, from: number, to: number): Pick<ReportMessage, 'routes' | 'endpoints'> {
  const routes: RouteEntry[] = [];
  const endpoints: EndpointEntry[] = [];
  for (let index = from; index < to; index++) {
    const count = Math.round(requests / ROUTES);
    const { sketch, buckets } = durations(count);
    routes.push({
      ...{ route: `HTTPRoute/default/route-${index}/0`, requests: count, classes: [0, count], errors: [] },
      ...{ duration: { buckets, sumMs: 12 * count }, requestBytes: 300 * count, responseBytes: 9_000 * count, sketch },
    });
    if (index >= ENDPOINTS) continue;
    const attempts = Math.round(requests / ENDPOINTS);
    endpoints.push({
      ...{ backend: `Service/default/app-${index % 300}/80`, endpoint: `10.0.${index >> 8}.${index & 255}:8080`, requests: attempts },
      ...{ failures: [], serverErrors: 0, connectFailures: 0, firstByteSumMs: 11 * attempts, firstBytes: attempts },
      sketch: durations(attempts).sketch,
    });
  }
  return { routes, endpoints };
}

function durations(count: number): { readonly sketch: Uint8Array; readonly buckets: readonly number[] } {
  const sketch = new DurationSketch();
  for (let index = 0; index < count; index++) {
    const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    sketch.observe(Math.exp(2.5 + 0.6 * normal));
  }
  return { sketch: sketch.pack(), buckets: [0, 0, 0, 0, count] };
}

function memory(): number {
  globalThis.gc?.();
  // Buffers are part of what is external.
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
