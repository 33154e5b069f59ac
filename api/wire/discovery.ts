// The gRPC service of api/proto/discovery.proto, loaded at run time: the repository has no generated code.
import path from 'node:path';
import { makeClientConstructor } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions, Client, ClientDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProxyMessage, PushMessage } from './messages.ts';

const PROTO = path.join(import.meta.dirname, '..', 'proto', 'discovery.proto');

/** A double holds nonces exactly for longer than any stream lives. */
const loaded = loadSync(PROTO, { longs: Number, defaults: true, arrays: true, oneofs: true });

/** The service for a server: `Subscribe` is a bidirectional stream. */
export const DISCOVERY = loaded['weir.discovery.v1.Discovery'] as ServiceDefinition;

/** The proxy's end of a stream. */
export type DiscoveryStream = ClientDuplexStream<ProxyMessage, PushMessage>;

/** A channel to a controller. */
export type DiscoveryClient = Client & { subscribe(options?: { readonly deadline?: Date }): DiscoveryStream };

const Constructor = makeClientConstructor(DISCOVERY, 'Discovery');

/** Opens a channel; the first call sends the first bytes. */
export function connectDiscovery(address: string, credentials: ChannelCredentials, options: Partial<ChannelOptions>): DiscoveryClient {
  return new Constructor(address, credentials, options) as unknown as DiscoveryClient;
}
