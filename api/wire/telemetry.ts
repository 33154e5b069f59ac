// The gRPC service of api/proto/telemetry.proto, loaded at run time.
import path from 'node:path';
import { makeClientConstructor } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions, Client, ClientDuplexStream, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { FromProxy, ToProxy } from './telemetry-messages.ts';

const PROTO = path.join(import.meta.dirname, '..', 'proto', 'telemetry.proto');

const loaded = loadSync(PROTO, { longs: Number, defaults: true, arrays: true, oneofs: true });

/** The service for a server: `Report` is a bidirectional stream. */
export const TELEMETRY = loaded['weir.telemetry.v1.Telemetry'] as ServiceDefinition;

/** The proxy's end of a stream. */
export type ReportStream = ClientDuplexStream<FromProxy, ToProxy>;

/** The controller's end of a stream. */
export type ReportedStream = ServerDuplexStream<FromProxy, ToProxy>;

/** A channel to a controller. */
export type TelemetryClient = Client & { report(): ReportStream };

const Constructor = makeClientConstructor(TELEMETRY, 'Telemetry');

/** Opens a channel; the first call sends the first bytes. */
export function connectTelemetry(address: string, credentials: ChannelCredentials, options: Partial<ChannelOptions>): TelemetryClient {
  return new Constructor(address, credentials, options) as unknown as TelemetryClient;
}
