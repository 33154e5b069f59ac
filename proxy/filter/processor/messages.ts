// The messages of Envoy's protocol for external processors (processor.proto) as bytes of a gRPC call.
import path from 'node:path';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { contentOf, isCompressed, messageFrame } from '../../exchange/message-frame.ts';
import { MessageReader } from '../../exchange/message-reader.ts';

const PROTO = path.join(import.meta.dirname, 'processor.proto');

/** The path of the call. */
export const PROCESS_PATH = '/envoy.service.ext_proc.v3.ExternalProcessor/Process';

/** The parts of an exchange that a processor answers to. */
export type PartName = 'request_headers' | 'response_headers' | 'request_body' | 'response_body' | 'request_trailers' | 'response_trailers';

export interface HeaderValue {
  readonly key: string;
  readonly value?: string;
  readonly raw_value: Buffer;
}

/** google.protobuf.Struct with texts and numbers only. */
export interface Attributes {
  readonly fields: Readonly<
    Record<string, { readonly stringValue: string } | { readonly numberValue: number } | { readonly boolValue: boolean }>
  >;
}

type BodyModeName = 'NONE' | 'STREAMED' | 'BUFFERED' | 'BUFFERED_PARTIAL' | 'FULL_DUPLEX_STREAMED';

export interface ProcessingRequest {
  readonly request_headers?: { readonly headers: { readonly headers: readonly HeaderValue[] }; readonly end_of_stream: boolean };
  readonly response_headers?: ProcessingRequest['request_headers'];
  readonly request_body?: { readonly body: Buffer; readonly end_of_stream: boolean };
  readonly response_body?: ProcessingRequest['request_body'];
  readonly request_trailers?: { readonly trailers: { readonly headers: readonly HeaderValue[] } };
  readonly response_trailers?: ProcessingRequest['request_trailers'];
  readonly attributes?: Readonly<Record<string, Attributes>>;
  readonly observability_mode?: boolean;
  readonly protocol_config?: { readonly request_body_mode: BodyModeName; readonly response_body_mode: BodyModeName };
}

export interface HeaderOption {
  readonly header: HeaderValue | null;
  readonly append: { readonly value: boolean } | null;
  readonly append_action: 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';
  readonly keep_empty_value: boolean;
}

export interface HeaderMutation {
  readonly set_headers: readonly HeaderOption[];
  readonly remove_headers: readonly string[];
}

export interface BodyMutation {
  readonly mutation?: 'body' | 'clear_body' | 'streamed_response';
  readonly body?: Buffer;
  readonly streamed_response?: { readonly body: Buffer; readonly end_of_stream: boolean };
}

export interface CommonResponse {
  readonly status: 'CONTINUE' | 'CONTINUE_AND_REPLACE';
  readonly header_mutation: HeaderMutation | null;
  readonly body_mutation: BodyMutation | null;
  /** Without effect, as the next one. */
  readonly trailers: object | null;
  readonly clear_route_cache: boolean;
}

export interface ImmediateResponse {
  readonly status: { readonly code: number } | null;
  readonly headers: HeaderMutation | null;
  readonly body: Buffer;
  readonly grpc_status: { readonly status: number } | null;
}

type HeaderModeName = 'DEFAULT' | 'SEND' | 'SKIP';

export interface ModeOverride {
  readonly request_header_mode: HeaderModeName;
  readonly response_header_mode: HeaderModeName;
  readonly request_body_mode: BodyModeName;
  readonly response_body_mode: BodyModeName;
  readonly request_trailer_mode: HeaderModeName;
  readonly response_trailer_mode: HeaderModeName;
}

/** google.protobuf.Struct, as far as it is read. */
export interface Struct {
  readonly fields: Readonly<Record<string, { readonly stringValue?: string; readonly structValue?: Struct }>>;
}

export interface ProcessingResponse {
  readonly response?: PartName | 'immediate_response';
  readonly request_headers?: { readonly response: CommonResponse | null };
  readonly response_headers?: ProcessingResponse['request_headers'];
  readonly request_body?: ProcessingResponse['request_headers'];
  readonly response_body?: ProcessingResponse['request_headers'];
  readonly request_trailers?: { readonly header_mutation: HeaderMutation | null };
  readonly response_trailers?: ProcessingResponse['request_trailers'];
  readonly immediate_response?: ImmediateResponse;
  readonly dynamic_metadata: Struct | null;
  readonly mode_override: ModeOverride | null;
  readonly override_message_timeout: { readonly seconds: number; readonly nanos: number } | null;
}

/** What an answer says about a head or a body; null if it says nothing. */
export function commonOf(answer: ProcessingResponse, part: PartName): CommonResponse | null {
  return answer[part as 'request_headers']?.response ?? null;
}

/** How it changes a body; null if it does not. */
export function bodyChangeOf(answer: ProcessingResponse, part: PartName): BodyMutation | null {
  const change = commonOf(answer, part)?.body_mutation ?? null;
  return change?.mutation === undefined ? null : change;
}

/** How it changes trailers. */
export function trailerChangeOf(answer: ProcessingResponse, part: PartName): HeaderMutation | null {
  return answer[part as 'request_trailers']?.header_mutation ?? null;
}

type Process = MethodDefinition<ProcessingRequest, ProcessingResponse>;

/** Loaded when a policy first needs it. */
let loaded: Process | null = null;

function method(): Process {
  if (loaded !== null) return loaded;
  const services = loadSync(PROTO, { keepCase: true, longs: Number, enums: String, defaults: true, arrays: true, oneofs: true });
  const service = services['envoy.service.ext_proc.v3.ExternalProcessor'] as ServiceDefinition;
  return (loaded = service['Process'] as unknown as Process);
}

/** The message as a part of the call. */
export function encodeMessage(request: ProcessingRequest): Buffer {
  return messageFrame(method().requestSerialize(request));
}

/** Reads the answers of a processor. */
export class ResponseReader {
  readonly #reader: MessageReader;

  constructor(maxBytes: number) {
    this.#reader = new MessageReader(maxBytes);
  }

  /** The messages that a chunk completes; or why they cannot be read. */
  read(chunk: Buffer): readonly ProcessingResponse[] | string {
    // Messages keep parts of it.
    this.#reader.feed(Buffer.from(chunk));
    const messages: ProcessingResponse[] = [];
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
      if (frame === 'size') return 'a message of the processor is too large';
      if (frame === 'flags') return 'a message of the processor cannot be read';
      if (isCompressed(frame)) return 'the processor compresses its messages';
      const message = decode(contentOf(frame));
      if (message === null) return 'a message of the processor cannot be read';
      messages.push(message);
    }
    return messages;
  }
}

/** Structs may be deep enough to overflow the stack, so every error is one of the message. */
function decode(bytes: Buffer): ProcessingResponse | null {
  try {
    return method().responseDeserialize(bytes);
  } catch {
    return null;
  }
}
