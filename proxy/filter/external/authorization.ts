// The messages of Envoy's protocol for external authorisation (authorization.proto) as bytes of a gRPC call.
import path from 'node:path';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { messageFrame, onlyMessage } from '../../exchange/message-frame.ts';

const PROTO = path.join(import.meta.dirname, 'authorization.proto');

/** An address and the identity behind it. */
interface Peer {
  readonly address: { readonly socket_address: { readonly address: string; readonly port_value: number } };
  readonly principal: string;
}

export interface CheckRequest {
  readonly attributes: {
    readonly source: Peer;
    readonly destination: Peer;
    readonly request: {
      readonly time: { readonly seconds: number; readonly nanos: number };
      readonly http: Readonly<Record<string, string | number | Buffer | Readonly<Record<string, string>>>>;
    };
    readonly tls_session: { readonly sni: string } | null;
  };
}

export interface HeaderOption {
  readonly header: { readonly key: string; readonly value: string; readonly raw_value: Buffer } | null;
  readonly append: { readonly value: boolean } | null;
}

/** google.protobuf.Value. */
export interface StructValue {
  readonly kind?: 'nullValue' | 'numberValue' | 'stringValue' | 'boolValue' | 'structValue' | 'listValue';
  readonly numberValue?: number;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly structValue?: Struct;
  readonly listValue?: { readonly values: readonly StructValue[] };
}

export interface Struct {
  readonly fields: Readonly<Record<string, StructValue>>;
}

export interface CheckResponse {
  readonly status: { readonly code: number } | null;
  readonly http_response?: 'denied_response' | 'ok_response';
  readonly denied_response?: {
    readonly status: { readonly code: number } | null;
    readonly headers: readonly HeaderOption[];
    readonly body: string;
  } | null;
  readonly ok_response?: {
    readonly headers: readonly HeaderOption[];
    readonly headers_to_remove: readonly string[];
    readonly response_headers_to_add: readonly HeaderOption[];
    readonly dynamic_metadata: Struct | null;
  } | null;
  readonly dynamic_metadata: Struct | null;
}

type Check = MethodDefinition<CheckRequest, CheckResponse>;

/** Loaded when a policy first needs it. */
let loaded: Check | null = null;

function check(): Check {
  if (loaded !== null) return loaded;
  const services = loadSync(PROTO, { keepCase: true, longs: Number, defaults: true, arrays: true, oneofs: true });
  const service = services['envoy.service.auth.v3.Authorization'] as ServiceDefinition;
  return (loaded = service['Check'] as unknown as Check);
}

/** The path of the call. */
export const CHECK_PATH = '/envoy.service.auth.v3.Authorization/Check';

/** The body of the call. */
export function encodeRequest(request: CheckRequest): Buffer {
  return messageFrame(check().requestSerialize(request));
}

/** Null: the body is not exactly one such message. */
export function decodeResponse(body: Buffer): CheckResponse | null {
  const message = onlyMessage(body);
  if (message === null) return null;
  try {
    return check().responseDeserialize(message);
  } catch {
    return null;
  }
}

/** The values of a struct. */
export function valuesOf({ fields }: Struct): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, valueOf(value)]));
}

function valueOf(value: StructValue): unknown {
  switch (value.kind) {
    case 'structValue':
      return valuesOf(value.structValue as Struct);
    case 'listValue':
      return (value.listValue?.values ?? []).map(valueOf);
    case undefined:
    case 'nullValue':
      return null;
    default:
      return value[value.kind];
  }
}
