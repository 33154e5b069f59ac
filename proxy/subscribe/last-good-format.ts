// The format of the last good file. Bodies are stored as received, so writing costs no more than copying them.
//
//     weir-last-good 1 <salt>\n
//     {"kind","key","version","bytes","sealed"}\n <that many bytes>\n      for each resource
//     end <count> <crc32 of everything before>\n
//
// Secrets, entries of objects, the keys of sessions, challenges and Consumers are sealed with AES-256-GCM by a key derived (HKDF-SHA256, with the salt) from the TLS key of the proxy.
import { createCipheriv, createDecipheriv, createPrivateKey, hkdfSync, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EncodedResource } from '#api/ir/ir.ts';
import { isResourceKind } from '#api/wire/decode.ts';
import { err, ok, type Result } from '#lib/result.ts';

const MAGIC = 'weir-last-good 1';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NEWLINE = Buffer.from('\n');

/** The content of a file. */
export interface LastGoodContent {
  readonly resources: readonly EncodedResource[];
  /** Secrets that were sealed with another key. */
  readonly unreadable: number;
  /** Resources of kinds that only a later release knows. */
  readonly unknown: number;
}

interface RecordHeader {
  /** The kind may belong to a later release. */
  readonly kind: string;
  readonly key: string;
  readonly version: string;
  readonly bytes: number;
  readonly sealed: boolean;
}

/** The size of a chunk that is written and checksummed at once: requests are served between chunks. */
const CHUNK_BYTES = 256 * 1024;

/** The header of a resource never changes, and creating it dominates the cost of writing thousands of resources, so it is cached. */
const headers = new WeakMap<EncodedResource, Buffer>();

const SEALED: ReadonlySet<EncodedResource['kind']> = new Set(['Secret', 'ObjectData', 'SessionKeys', 'Challenge', 'Consumer']);

function isSecret(kind: EncodedResource['kind']): boolean {
  return SEALED.has(kind);
}

/** The file as chunks in order. Without a key the sealed resources are left out. */
export function* encodeLastGood(resources: readonly EncodedResource[], privateKey: Buffer | null): Generator<Buffer> {
  const salt = randomBytes(16);
  const sealing = privateKey === null ? null : sealingKey(privateKey, salt);
  const chunk = new Chunk();
  chunk.add(Buffer.from(`${MAGIC} ${salt.toString('hex')}\n`));
  let count = 0;
  for (const resource of resources) {
    const body = isSecret(resource.kind) ? seal(resource, sealing) : resource.body;
    if (body === null) continue;
    chunk.add(headerOf(resource, body.length));
    chunk.add(body);
    chunk.add(NEWLINE);
    count++;
    if (chunk.bytes >= CHUNK_BYTES) yield chunk.take();
  }
  yield chunk.take();
  yield Buffer.from(`end ${count} ${hex(chunk.sum)}\n`);
}

/** Buffers pieces, with the checksum of all pieces. */
class Chunk {
  sum = 0;
  bytes = 0;
  #pieces: Buffer[] = [];

  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.bytes += piece.length;
  }

  take(): Buffer {
    const whole = Buffer.concat(this.#pieces, this.bytes);
    this.sum = crc32(whole, this.sum);
    this.#pieces = [];
    this.bytes = 0;
    return whole;
  }
}

function headerOf(resource: EncodedResource, bytes: number): Buffer {
  const made = headers.get(resource);
  if (made !== undefined) return made;
  const { kind, key, version } = resource;
  const header = Buffer.from(`${JSON.stringify({ kind, key, version, bytes, sealed: isSecret(kind) })}\n`);
  headers.set(resource, header);
  return header;
}

/** Parses a file; the error is the reason not to trust it. */
export function decodeLastGood(file: Buffer, privateKey: Buffer | null): Result<LastGoodContent> {
  const first = lineAt(file, 0);
  const salt = /^weir-last-good 1 ([0-9a-f]{32})$/.exec(first)?.[1];
  if (salt === undefined) return err('is not a last good file of this version');
  const end = file.lastIndexOf(NEWLINE, file.length - 2) + 1;
  const trailer = /^end ([0-9]+) ([0-9a-f]{8})$/.exec(lineAt(file, end));
  if (trailer === null || trailer[2] !== hex(crc32(file.subarray(0, end)))) return err('is truncated or damaged');
  const sealing = privateKey === null ? null : sealingKey(privateKey, Buffer.from(salt, 'hex'));
  const content = readRecords(file.subarray(first.length + 1, end), sealing);
  if (!content.ok) return content;
  const { resources, unreadable, unknown } = content.value;
  if (resources.length + unreadable + unknown === Number(trailer[1])) return content;
  return err('holds another number of records than it says');
}

function readRecords(records: Buffer, sealing: Buffer | null): Result<LastGoodContent> {
  const resources: EncodedResource[] = [];
  let unreadable = 0;
  let unknown = 0;
  for (let at = 0; at < records.length;) {
    const line = lineAt(records, at);
    const header = parseHeader(line);
    const start = at + Buffer.byteLength(line) + 1;
    if (header === null || start + header.bytes > records.length) return err('holds a record that cannot be read');
    const body = records.subarray(start, start + header.bytes);
    const { kind, key, version, sealed } = header;
    const open = sealed ? unseal(header, body, sealing) : body;
    if (!isResourceKind(kind)) unknown++;
    else if (open === null) unreadable++;
    else resources.push({ kind, key, version, body: Buffer.from(open) });
    at = start + header.bytes + 1;
  }
  return ok({ resources, unreadable, unknown });
}

function parseHeader(line: string): RecordHeader | null {
  try {
    const { kind, key, version, bytes, sealed } = JSON.parse(line) as Partial<Record<keyof RecordHeader, unknown>>;
    if (typeof kind !== 'string' || typeof key !== 'string' || typeof version !== 'string' || typeof sealed !== 'boolean') return null;
    return Number.isSafeInteger(bytes) && Number(bytes) >= 0 ? { kind, key, version, bytes: Number(bytes), sealed } : null;
  } catch {
    return null;
  }
}

/** The text up to the next newline; '' without one. */
function lineAt(file: Buffer, start: number): string {
  const end = file.indexOf(NEWLINE, start);
  return end === -1 ? '' : file.toString('utf8', start, end);
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}

/** PEM has several spellings of a key; the encoded key has one. */
function sealingKey(privateKey: Buffer, salt: Buffer): Buffer {
  const der = createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', der, salt, 'weir last good secrets', 32));
}

/** Bound to the kind and key: a sealed body cannot replace that of another Secret. */
function namesOf({ kind, key, version }: Pick<RecordHeader, 'kind' | 'key' | 'version'>): Buffer {
  return Buffer.from(JSON.stringify([kind, key, version]));
}

function seal(resource: EncodedResource, key: Buffer | null): Buffer | null {
  if (key === null) return null;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(namesOf(resource));
  const text = Buffer.concat([cipher.update(resource.body), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function unseal(header: RecordHeader, sealed: Buffer, key: Buffer | null): Buffer | null {
  if (key === null || sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(namesOf(header));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return null;
  }
}
