// Archives of small members in the ustar format (POSIX.1-1988) under gzip: written as they come, read with limits and never to a disk.
import { Readable } from 'node:stream';
import { createGunzip, createGzip, gzipSync } from 'node:zlib';

/** A member of an archive. */
export interface Member {
  readonly name: string;
  readonly bytes: Buffer;
}

/** An archive that is not as this program writes it. The message is for its user. */
export class ArchiveError extends Error {}

const BLOCK = 512;
/** The bytes of one member, of all members, and the number of members. */
const MAX_MEMBER = 8 * 1_048_576;
const MAX_BYTES = 1_073_741_824;
const MAX_MEMBERS = 100_000;
/** Names that this program gives: no way out of a folder, even if another program unpacks the archive. */
const NAME = /^(?:[a-z][a-z_]{0,48}\/){0,2}[a-z0-9][a-z0-9_]{0,24}\.(?:json|jsonl)$/;
type Field = readonly [offset: number, length: number];
/** The fields of a header (ustar) that are not zero. */
const FIELDS = {
  ...{ name: [0, 100] as Field, mode: [100, 8] as Field, uid: [108, 8] as Field, gid: [116, 8] as Field, size: [124, 12] as Field },
  ...{ mtime: [136, 12] as Field, checksum: [148, 8] as Field, type: [156, 1] as Field, magic: [257, 8] as Field },
};
const MAGIC = 'ustar\u000000';

/** The bytes of an archive with these members. */
export async function* packed(members: AsyncIterable<Member> | Iterable<Member>): AsyncIterable<Buffer> {
  const gzip = createGzip();
  Readable.from(streamOf(members))
    .on('error', (error) => gzip.destroy(error))
    .pipe(gzip);
  for await (const chunk of gzip) yield chunk as Buffer;
}

/** As packed(), of few members. */
export function packedAtOnce(members: readonly Member[]): Buffer {
  return gzipSync(Buffer.concat([...members.flatMap(blocksOf), END]));
}

async function* streamOf(members: AsyncIterable<Member> | Iterable<Member>): AsyncIterable<Buffer> {
  for await (const member of members) yield* blocksOf(member);
  yield END;
}

const END = Buffer.alloc(2 * BLOCK);

function blocksOf({ name, bytes }: Member): readonly Buffer[] {
  if (!NAME.test(name) || bytes.length > MAX_MEMBER) throw new Error(`an archive takes no member ${name} of ${bytes.length} bytes`);
  return [headerOf(name, bytes.length), bytes, Buffer.alloc(paddingOf(bytes.length))];
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function headerOf(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const put = (field: keyof typeof FIELDS, text: string): number => header.write(text, FIELDS[field][0], 'latin1');
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  put('name', name);
  put('mode', octal(0o600, 7));
  put('uid', octal(0, 7));
  put('gid', octal(0, 7));
  put('size', octal(size, 11));
  put('mtime', octal(0, 11));
  put('type', '0');
  put('magic', MAGIC);
  put('checksum', `${checksumOf(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** The sum of the bytes, with spaces in place of the checksum. */
function checksumOf(header: Buffer): number {
  const [start, length] = FIELDS.checksum;
  return header.reduce((sum, byte, i) => sum + (i >= start && i < start + length ? 0x20 : byte), 0);
}

/** The members of an archive, one after the other. Throws an ArchiveError for anything that packed() does not write. */
export async function* unpacked(archive: Uint8Array, maxBytes = MAX_BYTES): AsyncIterable<Member> {
  const source = new Blocks(archive, maxBytes);
  const names = new Set<string>();
  for (;;) {
    const header = await source.take(BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const { name, size } = readHeader(header);
    if (names.has(name)) throw new ArchiveError(`the archive has ${name} twice`);
    names.add(name);
    if (names.size > MAX_MEMBERS) throw new ArchiveError(`the archive has more than ${MAX_MEMBERS} members`);
    const bytes = await source.take(size);
    await source.take(paddingOf(size));
    yield { name, bytes };
  }
  await source.end();
}

function readHeader(header: Buffer): { readonly name: string; readonly size: number } {
  const text = (field: keyof typeof FIELDS): string => {
    const [start, length] = FIELDS[field];
    return header.toString('latin1', start, start + length);
  };
  const [name = ''] = text('name').split('\0', 1);
  const [, sum = ''] = /^([0-7]{6})\0 $/.exec(text('checksum')) ?? [];
  if (text('magic') !== MAGIC || Number.parseInt(sum, 8) !== checksumOf(header))
    throw new ArchiveError('the archive is not one of Weir, or is damaged: a header is wrong');
  if (!NAME.test(name) || text('type') !== '0')
    throw new ArchiveError(`the archive has a member that no backup has: ${JSON.stringify(name)}`);
  const size = sizeIn(text('size'));
  if (size > MAX_MEMBER) throw new ArchiveError(`${name} is larger than ${MAX_MEMBER} bytes`);
  return { name, size };
}

/** Infinite if it is no octal number. */
function sizeIn(text: string): number {
  const [, digits] = /^([0-7]{11})\0$/.exec(text) ?? [];
  return digits === undefined ? Infinity : Number.parseInt(digits, 8);
}

/** The unpacked bytes, in pieces of any length. */
class Blocks {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #maxBytes: number;
  #held: Buffer = Buffer.alloc(0);
  #total = 0;

  constructor(archive: Uint8Array, maxBytes: number) {
    this.#maxBytes = maxBytes;
    const source = Readable.from([Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)]);
    this.#chunks = source.pipe(createGunzip())[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async take(size: number): Promise<Buffer> {
    const parts = [this.#held];
    let length = this.#held.length;
    while (length < size) {
      const chunk = await this.#next();
      if (chunk === null) throw new ArchiveError('the archive ends too early');
      parts.push(chunk);
      length += chunk.length;
    }
    const all = Buffer.concat(parts);
    this.#held = all.subarray(size);
    return all.subarray(0, size);
  }

  /** Only zeros may follow the last member. */
  async end(): Promise<void> {
    for (let rest: Buffer | null = this.#held; rest !== null; rest = await this.#next())
      if (rest.some((byte) => byte !== 0)) throw new ArchiveError('the archive goes on after its end');
  }

  async #next(): Promise<Buffer | null> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done === true) return null;
      this.#total += value.length;
      if (this.#total > this.#maxBytes) throw new ArchiveError(`the archive unpacks to more than ${this.#maxBytes} bytes`);
      return value;
    } catch (error) {
      throw error instanceof ArchiveError ? error : new ArchiveError('the archive is not a whole gzip file');
    }
  }
}
