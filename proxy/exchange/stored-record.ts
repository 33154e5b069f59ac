// A head in JSON and a body as bytes in a store that others can write: what is broken, or of another version, is no record.
//
// The mark with the version, the lengths of head and body, the SHA-256 of both, the head, the body.
import { createHash } from 'node:crypto';

const MARK_BYTES = 4;
const DIGEST_BYTES = 32;
const PREAMBLE = MARK_BYTES + 8 + DIGEST_BYTES;

/** The longest head, bytes: more than the codecs accept. */
export const MAX_RECORD_HEAD = 262_144;

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
// What a field may have, without the characters that would end its line.
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** `mark`: four bytes, the last of which is the version. */
export function packRecord(mark: string, head: object, body: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(text.length, 0);
  lengths.writeUInt32BE(body.length, 4);
  return Buffer.concat([Buffer.from(mark, 'latin1'), lengths, digestOf(text, body), text, body]);
}

/** The fields of the head, as far as they are known to be there, and a copy of the body; null: it is no record. */
export function unpackRecord(
  mark: string,
  bytes: Buffer,
): { readonly head: Readonly<Record<string, unknown>>; readonly body: Buffer } | null {
  if (bytes.length < PREAMBLE || bytes.latin1Slice(0, MARK_BYTES) !== mark) return null;
  const length = bytes.readUInt32BE(MARK_BYTES);
  if (length > MAX_RECORD_HEAD || bytes.length !== PREAMBLE + length + bytes.readUInt32BE(MARK_BYTES + 4)) return null;
  const text = bytes.subarray(PREAMBLE, PREAMBLE + length);
  const body = bytes.subarray(PREAMBLE + length);
  if (!digestOf(text, body).equals(bytes.subarray(PREAMBLE - DIGEST_BYTES, PREAMBLE))) return null;
  const head = parsed(text);
  // A copy: the rest of the bytes would stay as long as the body.
  return head === null ? null : { head, body: Buffer.from(body) };
}

/** Whether a value of a head is a list of header fields that an answer may have. */
export function isFieldList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length % 2 === 0 && value.every(isPart);
}

function isPart(text: unknown, index: number): boolean {
  return typeof text === 'string' && (index % 2 === 0 ? NAME : VALUE).test(text);
}

function digestOf(head: Buffer, body: Buffer): Buffer {
  return createHash('sha256').update(head).update(body).digest();
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
