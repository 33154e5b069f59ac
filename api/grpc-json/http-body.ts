// `google.api.HttpBody` (google/api/httpbody.proto): a body of any type as a message.
import { Message } from '#lib/protobuf/message.ts';
import type { Field, MessageType } from '#lib/protobuf/types.ts';

const NAME = 'google.api.HttpBody';
const CONTENT_TYPE = 1;
const DATA = 2;

/** Whether a type is it, with its fields. */
export function isHttpBody(type: MessageType | null | undefined): boolean {
  if (type?.name !== NAME) return false;
  return isSingle(type.byNumber.get(CONTENT_TYPE), 'string') && isSingle(type.byNumber.get(DATA), 'bytes');
}

function isSingle(field: Field | undefined, kind: Field['kind']): boolean {
  return field?.kind === kind && !field.isList;
}

/** `contentType`: '' for none. */
export function httpBody(type: MessageType, contentType: string, data: Buffer): Message {
  const message = new Message(type);
  message.set(type.byNumber.get(CONTENT_TYPE) as Field, contentType);
  message.set(type.byNumber.get(DATA) as Field, data);
  return message;
}

export function contentTypeOf({ fields }: Message): string {
  return (fields.get(CONTENT_TYPE) ?? '') as string;
}

export function dataOf({ fields }: Message): Buffer {
  return (fields.get(DATA) ?? Buffer.alloc(0)) as Buffer;
}
