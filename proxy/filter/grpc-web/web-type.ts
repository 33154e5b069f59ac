// The content types of gRPC-Web (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md).

const WEB_TYPE = /^application\/grpc-web(-text)?(\+[a-z0-9._-]{1,64})?\s*(?:;|$)/i;
const WEB_TEXT = /(?:^|,)\s*application\/grpc-web-text(?:[+;,\s]|$)/i;

/** A content type of gRPC-Web. */
export interface WebType {
  /** The body is in Base64. */
  readonly isText: boolean;
  /** The message format with its plus: `+proto`; '' without one. */
  readonly format: string;
}

/** Null: it is another type. */
export function webTypeOf(type: string | null): WebType | null {
  const found = type === null ? null : WEB_TYPE.exec(type);
  return found === null ? null : { isText: found[1] !== undefined, format: (found[2] ?? '').toLowerCase() };
}

/** Whether the client wants the answer in Base64: by Accept, otherwise as the request is. */
export function wantsText({ isText }: WebType, accept: string | null): boolean {
  return accept !== null && /application\/grpc-web/i.test(accept) ? WEB_TEXT.test(accept) : isText;
}
