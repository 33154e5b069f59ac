// The gRPC service of api/proto/relay.proto, loaded at run time, and its messages in the form of the loader.
import path from 'node:path';
import { makeClientConstructor } from '@grpc/grpc-js';
import type {
  ChannelCredentials,
  ChannelOptions,
  Client,
  ClientDuplexStream,
  ClientWritableStream,
  ServerDuplexStream,
  ServiceDefinition,
  ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = path.join(import.meta.dirname, '..', 'proto', 'relay.proto');

const loaded = loadSync(PROTO, { longs: Number, defaults: true, arrays: true, oneofs: true });

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

/** A message of a link between two controllers. Bodies are JSON. `message` is undefined if this version does not know it. */
export type PeerMessage = { readonly id: number } & (
  | { readonly message: 'ask'; readonly ask: { readonly operation: string; readonly body: Buffer } }
  | { readonly message: 'part'; readonly part: { readonly proxy: string; readonly data: Buffer } }
  | { readonly message: 'reply'; readonly reply: { readonly body: Buffer; readonly error: string } }
  | { readonly message: 'cancel'; readonly cancel: object }
  | { readonly message?: undefined }
);

/** The two ends of a link. */
export type LinkedStream = ServerDuplexStream<PeerMessage, PeerMessage>;
export type LinkStream = ClientDuplexStream<PeerMessage, PeerMessage>;

/** A channel to the leader. */
export type RelayClient = Client & {
  report(ended: (error: ServiceError | null) => void): ClientWritableStream<SessionEvent>;
  link(): LinkStream;
};

const Constructor = makeClientConstructor(RELAY, 'Relay');

/** Opens a channel; the first call sends the first bytes. */
export function connectRelay(address: string, credentials: ChannelCredentials, options: Partial<ChannelOptions>): RelayClient {
  return new Constructor(address, credentials, options) as unknown as RelayClient;
}
