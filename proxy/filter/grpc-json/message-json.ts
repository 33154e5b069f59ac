// The JSON of the messages of a method, or their bytes where they are a `google.api.HttpBody`.
import type { Binding } from '#api/grpc-json/binding.ts';
import { contentTypeOf, dataOf, isHttpBody } from '#api/grpc-json/http-body.ts';
import { decodeMessage } from '#lib/protobuf/decode.ts';
import { jsonOfField, jsonOfMessage, type JsonWriting } from '#lib/protobuf/json-writer.ts';
import { Message } from '#lib/protobuf/message.ts';
import type { MessageType } from '#lib/protobuf/types.ts';
import { ok, type Result } from '#lib/result.ts';

/** The content of an answer. */
export interface AnswerContent {
  readonly contentType: string;
  readonly body: Buffer;
}

const OCTETS = 'application/octet-stream';

export class MessageJson {
  readonly #binding: Binding;
  readonly #writing: JsonWriting;
  /** The content is that of the backend. */
  readonly isHttpBody: boolean;

  constructor(binding: Binding, writing: JsonWriting) {
    this.#binding = binding;
    this.#writing = writing;
    this.isHttpBody = isHttpBody(bodyTypeOf(binding));
  }

  /** The content of a message. The error says why there is none. */
  contentOf(bytes: Buffer): Result<AnswerContent> {
    const { method, answer } = this.#binding;
    const message = decodeMessage(method.output, bytes);
    if (!message.ok) return message;
    if (this.isHttpBody) return ok(this.#httpBody(message.value));
    const json = answer === null ? jsonOfMessage(message.value, this.#writing) : jsonOfField(message.value, answer, this.#writing);
    return json.ok ? ok({ contentType: 'application/json', body: Buffer.from(json.value) }) : json;
  }

  #httpBody(message: Message): AnswerContent {
    const { answer } = this.#binding;
    const body = answer === null ? message : message.get(answer);
    if (!(body instanceof Message)) return { contentType: OCTETS, body: Buffer.alloc(0) };
    return { contentType: safeType(contentTypeOf(body)), body: dataOf(body) };
  }
}

/** The type of the part of an answer that its body is; null: it is no single message. */
function bodyTypeOf({ method, answer }: Binding): MessageType | null {
  if (answer === null) return method.output;
  return answer.isList || answer.map !== null ? null : answer.message;
}

/** A content type as a header may have it. */
function safeType(type: string): string {
  return /^[\x20-\x7e]{1,256}$/.test(type) ? type.trim() || OCTETS : OCTETS;
}
