// OTLP over gRPC.
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { Client, ChannelCredentials, Metadata, status } from '@grpc/grpc-js';
import type { ChannelOptions, ServiceError } from '@grpc/grpc-js';
import { parseAnswer, quoted } from './answer.ts';
import type { Signal } from './settings.ts';
import { MAX_ANSWER_BYTES } from './transport.ts';
import type { Headers } from './headers.ts';
import type { Delivery, Transport, TransportOptions } from './transport.ts';

const METHODS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};

/** Statuses after which the protocol has another attempt. A collector that is out of resources gets a pause as well. */
const RETRIED: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** TLS has no SNI for IP addresses (RFC 6066 section 3), and Node refuses to send one; gRPC would send any host. */
const SNI_FOR_ADDRESSES = 'collector.invalid';
const GZIP = 2;
const CHANNEL: Partial<ChannelOptions> = {
  'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
  // The queue has its own attempts and pauses.
  'grpc.enable_retries': 0,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // The certificates belong to this connection.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
};

export class GrpcTransport implements Transport {
  readonly #client: Client;
  readonly #method: string;
  readonly #timeoutMs: number;

  constructor({ url, timeoutMs, compression, tls }: TransportOptions, signal: Signal) {
    const { protocol, hostname, port } = new URL(url);
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const credentials = protocol === 'http:' ? ChannelCredentials.createInsecure() : secure(tls, host);
    const address = `${hostname}:${port === '' ? (protocol === 'http:' ? '80' : '443') : port}`;
    this.#client = new Client(address, credentials, {
      ...CHANNEL,
      ...(isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': SNI_FOR_ADDRESSES }),
      ...(compression === 'gzip' ? { 'grpc.default_compression_algorithm': GZIP } : {}),
    });
    this.#method = METHODS[signal];
    this.#timeoutMs = timeoutMs;
  }

  send(body: Buffer, headers: Headers, stopped: AbortSignal): Promise<Delivery> {
    const metadata = new Metadata();
    for (const [name, value] of headers) metadata.set(name, value);
    const { promise, resolve } = Promise.withResolvers<Delivery>();
    const options = { deadline: Date.now() + this.#timeoutMs };
    const same = (bytes: Buffer): Buffer => bytes;
    const call = this.#client.makeUnaryRequest(this.#method, same, same, body, metadata, options, (error, answer) => {
      stopped.removeEventListener('abort', cancel);
      resolve(error === null ? parseAnswer(answer ?? Buffer.alloc(0)) : failureOf(error));
    });
    const cancel = (): void => call.cancel();
    stopped.addEventListener('abort', cancel);
    if (stopped.aborted) cancel();
    return promise;
  }

  close(): void {
    this.#client.close();
  }
}

function secure({ ca, certificate, key }: TransportOptions['tls'], host: string): ChannelCredentials {
  const bytes = (text: string): Buffer | null => (text === '' ? null : Buffer.from(text));
  const verify = { checkServerIdentity: (_sni: string, shown: PeerCertificate) => checkServerIdentity(host, shown) };
  return ChannelCredentials.createSsl(bytes(ca), bytes(key), bytes(certificate), verify);
}

function failureOf({ code, details }: ServiceError): Delivery {
  if (code === status.DEADLINE_EXCEEDED) return { kind: 'failed', afterMs: null, reason: 'it does not answer in time' };
  const reason = `it answers ${status[code] ?? code}: ${quoted(details)}`;
  return RETRIED.has(code) ? { kind: 'failed', afterMs: null, reason } : { kind: 'refused', reason };
}
