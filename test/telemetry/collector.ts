// The collector of test/telemetry/collector: the OTLP receiver of OpenTelemetry, whose requests are read here. Built once per source.
//
//     const collector = await OtelCollector.start();          // flags of a proxy: --otlp-endpoint ${collector.http} or ${collector.grpc}
//     const span = await collector.nextSpan();                // waits for it
//     await collector.stop();
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { sourceTool } from '../support/go-tool.ts';
import { HeldUntil } from '../support/held-until.ts';
import type { IssuedFiles } from '../support/certificates.ts';

export const OTEL_COLLECTOR = sourceTool('otel-collector', path.join(import.meta.dirname, 'collector'));

/** What arrived, in the JSON form of OTLP; numbers of 64 bits are texts. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags?: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly KeyValue[];
  readonly events?: readonly { readonly name: string; readonly timeUnixNano: string; readonly attributes?: readonly KeyValue[] }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string; readonly attributes?: readonly KeyValue[] }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

export interface ReceivedLog {
  readonly timeUnixNano: string;
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly eventName?: string;
  readonly body?: AnyValue;
  readonly attributes?: readonly KeyValue[];
  readonly traceId?: string;
  readonly spanId?: string;
}

export interface ReceivedMetric {
  readonly name: string;
  readonly description?: string;
  readonly unit?: string;
  readonly gauge?: { readonly dataPoints: readonly ReceivedPoint[] };
  readonly sum?: { readonly dataPoints: readonly ReceivedPoint[]; readonly isMonotonic?: boolean; readonly aggregationTemporality: number };
  readonly histogram?: { readonly dataPoints: readonly ReceivedPoint[]; readonly aggregationTemporality: number };
  readonly summary?: { readonly dataPoints: readonly ReceivedPoint[] };
}

/** A point of any kind. */
export interface ReceivedPoint {
  readonly attributes?: readonly KeyValue[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
  readonly exemplars?: readonly { readonly asDouble: number; readonly traceId?: string; readonly spanId?: string }[];
}

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

export interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values: readonly KeyValue[] };
}

/** A record with the attributes of its resource. */
export type Arrived<T> = T & { readonly resource: Readonly<Record<string, unknown>> };

interface Resource {
  readonly resource: { readonly attributes?: readonly KeyValue[] };
  readonly scopeSpans?: readonly { readonly spans: readonly ReceivedSpan[] }[];
  readonly scopeLogs?: readonly { readonly logRecords: readonly ReceivedLog[] }[];
  readonly scopeMetrics?: readonly { readonly metrics: readonly ReceivedMetric[] }[];
}

/** A line has one signal. */
interface Line {
  readonly traces?: { readonly resourceSpans: readonly Resource[] };
  readonly logs?: { readonly resourceLogs: readonly Resource[] };
  readonly metrics?: { readonly resourceMetrics: readonly Resource[] };
}

export class OtelCollector {
  /** The endpoints of a flag. */
  readonly grpc: string;
  readonly http: string;
  readonly #process: ChildProcess;
  readonly #spans = new HeldUntil<Arrived<ReceivedSpan>>();
  readonly #logs = new HeldUntil<Arrived<ReceivedLog>>();
  readonly #metrics = new HeldUntil<readonly Arrived<ReceivedMetric>[]>();

  private constructor(process: ChildProcess, addresses: { readonly grpc: string; readonly http: string }, scheme: string) {
    this.#process = process;
    this.grpc = `${scheme}://${addresses.grpc}`;
    this.http = `${scheme}://${addresses.http}`;
  }

  /** With TLS if there is a certificate; with `clientCa`, clients must have a certificate of it. */
  static async start(tls: { readonly files: IssuedFiles; readonly clientCa?: string } | null = null): Promise<OtelCollector> {
    const ca = tls?.clientCa === undefined ? [] : ['-ca', tls.clientCa];
    const args = tls === null ? [] : ['-cert', tls.files.certificate, '-key', tls.files.privateKey, ...ca];
    const child = spawn(path.join(OTEL_COLLECTOR.folder, OTEL_COLLECTOR.name), args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout);
    const [first] = (await once(lines, 'line')) as [string];
    const collector = new OtelCollector(child, JSON.parse(first) as { grpc: string; http: string }, tls === null ? 'http' : 'https');
    lines.on('line', (line) => collector.#take(JSON.parse(line) as Line));
    return collector;
  }

  /** The next span, in the order of arrival. */
  nextSpan(): Promise<Arrived<ReceivedSpan>> {
    return this.#spans.next();
  }

  nextLog(): Promise<Arrived<ReceivedLog>> {
    return this.#logs.next();
  }

  /** All metrics of the next request. */
  nextMetrics(): Promise<readonly Arrived<ReceivedMetric>[]> {
    return this.#metrics.next();
  }

  /** It stops when its standard input ends, as when the test is killed. */
  async stop(): Promise<void> {
    const over = once(this.#process, 'close');
    this.#process.stdin?.end();
    await over;
  }

  #take({ traces, logs, metrics }: Line): void {
    traces?.resourceSpans.forEach((each) => recordsOf(each, each.scopeSpans, 'spans').forEach((span) => this.#spans.add(span)));
    logs?.resourceLogs.forEach((each) => recordsOf(each, each.scopeLogs, 'logRecords').forEach((log) => this.#logs.add(log)));
    metrics?.resourceMetrics.forEach((each) => this.#metrics.add(recordsOf(each, each.scopeMetrics, 'metrics')));
  }
}

/** The records of all scopes, each with the attributes of the resource. */
function recordsOf<Name extends string, T>(
  from: Resource,
  scopes: readonly Readonly<Record<Name, readonly T[]>>[] = [],
  name: Name,
): readonly Arrived<T>[] {
  const resource = resourceOf(from);
  return scopes.flatMap((scope) => scope[name].map((record) => ({ ...record, resource })));
}

function resourceOf({ resource }: Resource): Readonly<Record<string, unknown>> {
  return attributesOf(resource.attributes);
}

/** Attributes by name: texts, numbers, booleans, lists and objects. */
export function attributesOf(attributes: readonly KeyValue[] = []): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

/** A value as JavaScript has it; null for the empty one. */
export function valueOf({ stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue }: AnyValue): unknown {
  if (intValue !== undefined) return Number(intValue);
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(valueOf);
  if (kvlistValue !== undefined) return attributesOf(kvlistValue.values);
  return stringValue ?? boolValue ?? doubleValue ?? null;
}
