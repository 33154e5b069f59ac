// Weir's HPACK and nghttp2's (node:http2) decode each other's output in a real session, for any header lists and table sizes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { HpackDecoder } from '../../proxy/codec/hpack/decoder.ts';
import { HpackEncoder } from '../../proxy/codec/hpack/encoder.ts';
import { isNeverIndexed } from '../../proxy/codec/hpack/never-indexed.ts';
import { ACK, END_HEADERS, END_STREAM, frame, PREFACE, settings, TYPE } from '../support/h2-client.ts';
import type { EncodeStep, Field } from './go-hpack.ts';
import { sequences } from './lists.ts';

/** Fields that node:http2 accepts, without blanks at the ends of values, which nghttp2 refuses. */
const PRINTABLE = { lowest: 0x21, highest: 0x7e };
const HEADER_TABLE_SIZE = 1;
/** Maximum size of a list, so that it fits into one frame. */
const MAX_LIST = 12_000;
const ONCE = new Set(['authorization', 'content-type', 'etag', 'user-agent']);

interface Block {
  readonly stream: number;
  readonly fields: readonly string[];
  readonly secrets: readonly string[];
}

/** Weir's end of the session: it decodes the output of nghttp2, and answers. */
class Peer {
  readonly #socket: net.Socket;
  readonly #decoder: HpackDecoder;
  readonly #encoder = new HpackEncoder(8_192);
  readonly #blocks: Block[] = [];
  #waiting: (() => void) | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #skip = PREFACE.length;
  #acknowledged = false;

  constructor(socket: net.Socket, tableSize: number) {
    this.#socket = socket;
    this.#decoder = new HpackDecoder({ tableSize, maxListSize: 1e6, maxHeaders: 1e4 });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.write(frame(TYPE.settings, 0, 0, settings([HEADER_TABLE_SIZE, tableSize])));
  }

  /** Resolves once nghttp2 has taken our settings. */
  async settled(): Promise<void> {
    while (!this.#acknowledged) await this.#something();
  }

  /** The next block that nghttp2 wrote. */
  async next(): Promise<Block> {
    for (;;) {
      const block = this.#blocks.shift();
      if (block !== undefined) return block;
      await this.#something();
    }
  }

  /** Answers with a list and no body. */
  answer(stream: number, fields: readonly Field[]): void {
    this.#encoder.begin(0);
    this.#encoder.write(':status', '200');
    for (const { name, value, secret } of fields) {
      if (secret) this.#encoder.writeSecret(name, value);
      else this.#encoder.write(name, value);
    }
    this.#socket.write(frame(TYPE.headers, END_HEADERS | END_STREAM, stream, Buffer.from(this.#encoder.finish())));
  }

  #something(): Promise<void> {
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  #read(chunk: Buffer): void {
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(skipped)]);
    while (this.#rest.length >= 9 && this.#rest.length >= 9 + this.#rest.readUIntBE(0, 3)) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      this.#take(this.#rest.subarray(0, 9), this.#rest.subarray(9, end));
      this.#rest = this.#rest.subarray(end);
    }
    this.#waiting?.();
    this.#waiting = null;
  }

  #take(head: Buffer, payload: Buffer): void {
    const [type, flags] = [head[3] as number, head[4] as number];
    if (type === TYPE.settings && (flags & ACK) !== 0) this.#acknowledged = true;
    else if (type === TYPE.settings) this.#takeSettings(payload);
    else if (type === TYPE.headers) this.#takeBlock(head.readUInt32BE(5), flags, payload);
  }

  #takeSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === HEADER_TABLE_SIZE) this.#encoder.setTableSize(payload.readUInt32BE(at + 2));
    }
    this.#socket.write(frame(TYPE.settings, ACK, 0));
  }

  #takeBlock(stream: number, flags: number, payload: Buffer): void {
    expect(flags & END_HEADERS).toBe(END_HEADERS);
    const fields: string[] = [];
    expect(this.#decoder.decode(payload, 0, payload.length, fields)).toBe('ok');
    this.#blocks.push({ stream, fields, secrets: [...(this.#decoder.secrets ?? [])].sort() });
  }
}

describe('nghttp2', () => {
  let server: net.Server;
  beforeAll(async () => {
    server = net.createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => void server.close());

  test.each([0, 100, 4_096])('and our codec read each other; ours announced a table of %i octets', async (tableSize) => {
    await fc.assert(
      fc.asyncProperty(sequences(PRINTABLE, 8_192), async (steps) => {
        const { peer, session } = await open(server, tableSize);
        try {
          for (const step of steps) await go(peer, session, step);
        } finally {
          session.destroy();
        }
      }),
      { numRuns: 60 },
    );
  });
});

async function open(server: net.Server, tableSize: number): Promise<{ readonly peer: Peer; readonly session: http2.ClientHttp2Session }> {
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const session = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  session.on('error', () => undefined);
  const [socket] = await accepted;
  const peer = new Peer(socket, tableSize);
  await peer.settled();
  return { peer, session };
}

async function go(peer: Peer, session: http2.ClientHttp2Session, step: EncodeStep): Promise<void> {
  if ('size' in step) return changeSize(session, step.size);
  const fields = sendable(step.fields);
  const sent = [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', '/', ...pairs(fields)];
  const secrets = marked(fields);
  const stream = session.request(Object.assign([...sent], { [http2.sensitiveHeaders]: secrets }));
  const answered = once(stream, 'response') as Promise<[http2.IncomingHttpHeaders, number, string[]]>;
  const block = await peer.next();
  expect(block.fields).toEqual(sent);
  expect(block.secrets).toEqual(secrets.filter((name) => !isNeverIndexed(name)));
  peer.answer(block.stream, fields);
  const [headers, , raw] = await answered;
  expect(raw).toEqual([':status', '200', ...pairs(fields)]);
  const told = (headers as { [http2.sensitiveHeaders]?: string[] })[http2.sensitiveHeaders] ?? [];
  expect([...new Set(told)].sort()).toEqual(kept(fields));
  stream.resume();
}

/** nghttp2 announces another table size for Weir's encoder. */
function changeSize(session: http2.ClientHttp2Session, headerTableSize: number): Promise<void> {
  return new Promise((resolve) => session.settings({ headerTableSize }, () => resolve()));
}

/** The fields of a list that node:http2 sends: at most one frame, and single-value fields once. */
function sendable(fields: readonly Field[]): Field[] {
  let left = MAX_LIST;
  const seen = new Set<string>();
  return fields.filter(({ name, value }) => {
    if (ONCE.has(name) && seen.has(name)) return false;
    seen.add(name);
    left -= name.length + value.length + 8;
    return left > 0;
  });
}

function pairs(fields: readonly Field[]): string[] {
  return fields.flatMap(({ name, value }) => [name, value]);
}

function marked(fields: readonly Field[]): string[] {
  return [...new Set(fields.filter(({ secret }) => secret).map(({ name }) => name))].sort();
}

/** Names that Weir's encoder keeps out of tables: configured ones, and sensitive fields unless the static table has them completely. */
function kept(fields: readonly Field[]): string[] {
  const secret = fields.filter((field) => field.secret || (isNeverIndexed(field.name) && field.value !== ''));
  return [...new Set(secret.map(({ name }) => name))].sort();
}
