// The messages of grpc.health.v1: HealthCheckRequest { string service = 1 }, HealthCheckResponse { ServingStatus status = 1 }.
import { messageFrame, onlyMessage } from '../exchange/message-frame.ts';

/** By number, as in the proto file. */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
/** A varint of 64 bits. */
const MAX_VARINT_BYTES = 10;

/** The request for a service as a message of gRPC. */
export function encodeCheck(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([(1 << 3) | LENGTH]), varint(name.length), name]);
  return messageFrame(message);
}

/** The name of the status in a complete body, or null if the body is not one message with a readable status. */
export function decodeStatus(body: Buffer): string | null {
  const message = onlyMessage(body);
  const status = message === null ? null : readStatus(message);
  return status === null ? null : (STATUSES[status] ?? String(status));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** The last value of field 1; 0 without one; null for bytes that are not a message. */
function readStatus(message: Buffer): number | null {
  let status = 0;
  for (let at = 0; at < message.length;) {
    const tag = readVarint(message, at);
    if (tag === null) return null;
    const [field, kind] = [tag.value >>> 3, tag.value & 7];
    const value = kind === VARINT || kind === LENGTH ? readVarint(message, tag.end) : null;
    if (field === 1 && kind === VARINT && value !== null) status = value.value;
    const end = endOfField(kind, tag.end, value);
    if (end === null || end > message.length) return null;
    at = end;
  }
  return status;
}

function endOfField(kind: number, start: number, value: { readonly value: number; readonly end: number } | null): number | null {
  if (kind === FIXED64) return start + 8;
  if (kind === FIXED32) return start + 4;
  if (value === null) return null;
  return kind === LENGTH ? value.end + value.value : value.end;
}

/** Values beyond 53 bits lose precision: no status is as large. */
function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let at = start; at < bytes.length && at < start + MAX_VARINT_BYTES; at++) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return null;
}
