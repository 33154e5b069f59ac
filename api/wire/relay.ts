// The gRPC service of api/proto/relay.proto, loaded at run time, and its messages in the form of the loader.
import path from 'node:path';
import { makeClientConstructor } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions, Client, ClientWritableStream, ServiceDefinition, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = path.join(import.meta.dirname, '..', 'proto', 'relay.proto');

const loaded = loadSync(PROTO, { defaults: true, arrays: true, oneofs: true });

/** The service for a server: `Report` is a stream from the caller. */
export const RELAY = loaded['weir.relay.v1.Relay'] as ServiceDefinition;

export interface AckedMessage {
  readonly kind: string;
  readonly key: string;
  readonly version: string;
}

export interface NackedMessage extends AckedMessage {
  readonly errors: readonly { readonly field: string; readonly reason: string }[];
}

export type SessionEvent = { readonly session: string } & (
  | { readonly event: 'connected'; readonly connected: { readonly scope: string } }
  | { readonly event: 'disconnected'; readonly disconnected: object }
  | { readonly event: 'acked'; readonly acked: AckedMessage }
  | { readonly event: 'nacked'; readonly nacked: NackedMessage }
);

/** A channel to the leader. */
export type RelayClient = Client & { report(ended: (error: ServiceError | null) => void): ClientWritableStream<SessionEvent> };

const Constructor = makeClientConstructor(RELAY, 'Relay');

/** Opens a channel; the first call sends the first bytes. */
export function connectRelay(address: string, credentials: ChannelCredentials, options: Partial<ChannelOptions>): RelayClient {
  return new Constructor(address, credentials, options) as unknown as RelayClient;
}
