// The end of a call as JSON: `google.rpc.Status` (google/rpc/status.proto).
import { decodeMessage } from '#lib/protobuf/decode.ts';
import { guarded } from '#lib/protobuf/fault.ts';
import { jsonOfMessage, type JsonWriting } from '#lib/protobuf/json-writer.ts';
import { RawFields } from '#lib/protobuf/raw-fields.ts';
import { GRPC_STATUS, MAX_GRPC_STATUS } from '../../exchange/grpc-status.ts';
import { getHeader, type Headers } from '../../exchange/headers.ts';

/** How a call ended. */
export interface CallStatus {
  readonly code: number;
  readonly message: string;
  /** Each a `google.protobuf.Any`. */
  readonly details: readonly Buffer[];
}

const DETAILS = 3;
const TYPE_URL = 1;
const VALUE = 2;

/** The status in the head or the trailers of an answer; UNKNOWN without one. */
export function statusIn(fields: Headers | null): CallStatus {
  const text = fields === null ? null : getHeader(fields, 'grpc-status');
  if (fields === null || text === null) return { code: GRPC_STATUS.unknown, message: 'The backend sent no status', details: [] };
  const code = Number(text);
  const isKnown = Number.isInteger(code) && code >= 0 && code <= MAX_GRPC_STATUS;
  return {
    code: isKnown ? code : GRPC_STATUS.unknown,
    message: decoded(getHeader(fields, 'grpc-message') ?? ''),
    details: detailsOf(getHeader(fields, 'grpc-status-details-bin')),
  };
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** Details that are no message are left out: the status says enough. */
function detailsOf(text: string | null): readonly Buffer[] {
  if (text === null) return [];
  const read = guarded(() => new RawFields(Buffer.from(text, 'base64')).all(DETAILS));
  return read.ok ? read.value : [];
}

export function statusJson({ code, message, details }: CallStatus, writing: JsonWriting): string {
  const all = details.map((detail) => detailJson(detail, writing)).filter((json) => json !== null);
  return `{"code":${code},"message":${JSON.stringify(message)},"details":[${all.join(',')}]}`;
}

/** A detail whose type is not in the descriptors has its bytes as `value`; null: it is no Any. */
function detailJson(detail: Buffer, writing: JsonWriting): string | null {
  const any = guarded(() => {
    const fields = new RawFields(detail);
    return { url: fields.text(TYPE_URL), value: fields.joined(VALUE) };
  });
  if (!any.ok) return null;
  const { url, value } = any.value;
  const begin = `{"@type":${JSON.stringify(url)}`;
  const known = membersOf(url, value, writing);
  return known === null ? `${begin},"value":"${value.toString('base64')}"}` : `${begin}${known}}`;
}

function membersOf(url: string, value: Buffer, writing: JsonWriting): string | null {
  const type = writing.schema.messages.get(url.slice(url.lastIndexOf('/') + 1));
  const message = type === undefined ? null : decodeMessage(type, value);
  const json = message?.ok === true ? jsonOfMessage(message.value, writing) : null;
  if (json?.ok !== true || type === undefined) return null;
  if (type.wellKnown !== null) return `,"value":${json.value}`;
  return json.value === '{}' ? '' : `,${json.value.slice(1, -1)}`;
}
