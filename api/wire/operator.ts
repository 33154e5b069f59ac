// The gRPC service of api/proto/operator.proto, loaded at run time, and its messages in the form of the loader.
import path from 'node:path';
import { makeClientConstructor } from '@grpc/grpc-js';
import type {
  CallOptions,
  ChannelCredentials,
  ChannelOptions,
  Client,
  ClientReadableStream,
  ServerWritableStream,
  ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = path.join(import.meta.dirname, '..', 'proto', 'operator.proto');

const loaded = loadSync(PROTO, { longs: Number, defaults: true, arrays: true, oneofs: true });

/** The service for a server: `Run` answers with a stream. */
export const OPERATOR = loaded['weir.operator.v1.Operator'] as ServiceDefinition;

/** An operation, its input (JSON), and the user who runs it. */
export interface OperatorCall {
  readonly operation: string;
  readonly input: Buffer;
  readonly caller: string;
}

/** The beginning of an answer. */
export interface OperatorHead {
  readonly status: number;
  readonly type: string;
}

/** A part of an answer. `part` is undefined if this version does not know it. */
export type OperatorPart =
  { readonly part: 'head'; readonly head: OperatorHead } | { readonly part: 'data'; readonly data: Buffer } | { readonly part?: undefined };

/** The two ends of a call. */
export type RunningCall = ServerWritableStream<OperatorCall, OperatorPart>;
export type CallStream = ClientReadableStream<OperatorPart>;

/** A channel to a controller. */
export type OperatorClient = Client & { run(call: OperatorCall, options: CallOptions): CallStream };

const Constructor = makeClientConstructor(OPERATOR, 'Operator');

/** Opens a channel; the first call sends the first bytes. */
export function connectOperator(address: string, credentials: ChannelCredentials, options: Partial<ChannelOptions>): OperatorClient {
  return new Constructor(address, credentials, options) as unknown as OperatorClient;
}
