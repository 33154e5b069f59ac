// For any split of the bytes of an HTTP/2 connection, the backend gets the same requests, and the client the same answers.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closeAfterEach, openProxy } from '../support/fixture.ts';
import {
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  GET,
  literals,
  numbers,
  openSession,
  PREFACE,
  request,
  settings,
  TYPE,
} from '../support/h2-client.ts';
import type { FramePeer } from '../support/h2-client.ts';
import { FrameServer } from '../support/h2-upstream.ts';
import { cluster, listener, route, startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok, RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

let upstream: RawUpstream;
let proxy: Proxy;
beforeAll(async () => {
  upstream = await RawUpstream.start(({ startLine, body, trailers }) => ok(`${startLine}|${body}|${trailers}`));
  proxy = await startProxy(toUpstream(upstream.port));
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const bytes = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets));
/** The positions of the cuts, as fractions of the length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

interface Stream {
  readonly frames: (id: number) => readonly Buffer[];
  readonly answer: string;
}

const streams = fc
  .record({
    pieces: fc.array(bytes, { maxLength: 4 }),
    trailers: fc.boolean(),
    headCut: fc.nat({ max: 40 }),
    padding: fc.nat({ max: 20 }),
    ping: fc.boolean(),
  })
  .map(({ pieces, trailers, headCut, padding, ping }): Stream => {
    const frames = (id: number): readonly Buffer[] => {
      const head = literals([':method', 'POST'], ...GET.slice(1), ['x-id', String(id)]);
      const ended = pieces.length === 0 && !trailers ? END_STREAM : 0;
      const last = (i: number): number => (i === pieces.length - 1 && !trailers ? END_STREAM : 0);
      const pad = (piece: Buffer): Buffer => Buffer.concat([Buffer.from([padding]), piece, Buffer.alloc(padding)]);
      return [
        frame(TYPE.headers, ended, id, head.subarray(0, headCut)),
        frame(TYPE.continuation, END_HEADERS, id, head.subarray(headCut)),
        ...pieces.map((piece, i) => frame(TYPE.data, last(i) | (padding > 0 ? 0x8 : 0), id, padding > 0 ? pad(piece) : piece)),
        ...(ping ? [frame(TYPE.ping, 0, 0, numbers(1, id)), frame(0x77, 0xff, id, Buffer.alloc(5))] : []),
        ...(trailers ? [frame(TYPE.headers, END_HEADERS | END_STREAM, id, literals(['x-t', '1']))] : []),
      ];
    };
    const body = Buffer.concat(pieces).latin1Slice();
    return { frames, answer: `POST / HTTP/1.1|${body}|${trailers ? 'x-t: 1' : ''}` };
  });

/** Writes the pieces, each in a separate packet. */
async function trickle(client: FramePeer, sent: Buffer, at: readonly number[]): Promise<void> {
  const offsets = [0, ...at.map((share) => Math.floor(share * sent.length)).sort((a, b) => a - b), sent.length];
  for (let i = 1; i < offsets.length; i++) {
    const piece = sent.subarray(offsets[i - 1], offsets[i]);
    if (piece.length > 0) client.write(piece);
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}

/** The answers to the streams of a connection, sent with these cuts. */
async function run(sent: readonly Stream[], at: readonly number[]): Promise<string[]> {
  const client = await FrameClient.connect(proxy.port, Buffer.alloc(0));
  try {
    const frames = sent.flatMap((stream, i) => stream.frames(i * 2 + 1));
    await trickle(client, Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, settings([1, 100])), ...frames]), at);
    for (let i = 0; i < sent.length; i++) await client.answered(i * 2 + 1);
    return sent.map((_, i) => Buffer.concat(client.of(TYPE.data, i * 2 + 1).map(({ payload }) => payload)).latin1Slice());
  } finally {
    client.socket.destroy();
    upstream.forget();
  }
}

describe('splitting', () => {
  test('streams with any cuts arrive unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(streams, { minLength: 1, maxLength: 4 }), cuts, async (sent, at) => {
        expect(await run(sent, at)).toEqual(sent.map(({ answer }) => answer));
      }),
      { numRuns: 150 },
    );
  });

  test('one connection, cut in two places, at every byte', async () => {
    const [stream] = fc.sample(streams, { numRuns: 1, seed: 7 }) as [Stream];
    const total = PREFACE.length + 15 + Buffer.concat([...stream.frames(1)]).length;
    for (let at = 1; at < total; at += 1) expect(await run([stream], [at / total, (at + 1) / total])).toEqual([stream.answer]);
  });
});

/** Bytes of a backend, and the answer that a client must get. */
interface Answer {
  readonly frames: (id: number) => readonly Buffer[];
  readonly body: string;
  readonly trailers: string | undefined;
}

const answers = fc
  .record({
    pieces: fc.array(bytes, { maxLength: 4 }),
    trailers: fc.boolean(),
    hints: fc.boolean(),
    headCut: fc.nat({ max: 20 }),
    ping: fc.boolean(),
  })
  .map(({ pieces, trailers, hints, headCut, ping }): Answer => {
    const frames = (id: number): readonly Buffer[] => {
      const block = literals([':status', '200'], ['x-y', 'z']);
      const last = (i: number): number => (i === pieces.length - 1 && !trailers ? END_STREAM : 0);
      return [
        ...(hints ? [frame(TYPE.headers, END_HEADERS, id, literals([':status', '103'], ['link', '</a>']))] : []),
        frame(TYPE.headers, pieces.length === 0 && !trailers ? END_STREAM : 0, id, block.subarray(0, headCut)),
        frame(TYPE.continuation, END_HEADERS, id, block.subarray(headCut)),
        ...pieces.map((piece, i) => frame(TYPE.data, last(i), id, piece)),
        ...(ping ? [frame(TYPE.ping, 0, 0, numbers(1, id)), frame(0x77, 0xff, id, Buffer.alloc(5))] : []),
        ...(trailers ? [frame(TYPE.headers, END_HEADERS | END_STREAM, id, literals(['x-t', '1']))] : []),
      ];
    };
    return { frames, body: Buffer.concat(pieces).latin1Slice(), trailers: trailers ? '1' : undefined };
  });

describe('splitting the answers of a backend', () => {
  test('answers with any cuts arrive unchanged', async () => {
    const server = await FrameServer.start(Buffer.alloc(0));
    const front = await openProxy([listener(), ...cluster('app', [server.port], 'http2'), route()]);
    let connections = 0;
    await fc.assert(
      fc.asyncProperty(answers, cuts, async (answer, at) => {
        const session = openSession(front.port);
        const answered = request(session);
        const peer = await server.asked(1, connections++);
        await trickle(peer, Buffer.concat([frame(TYPE.settings, 0, 0), ...answer.frames(1)]), at);
        const { body, trailers, headers } = await answered;
        expect([body.latin1Slice(), trailers['x-t'], headers['x-y']]).toEqual([answer.body, answer.trailers, 'z']);
        session.destroy();
        peer.socket.destroy();
        await until(() => front.metric('weir_upstream_connections_open') === 0, 'the end of the connection');
      }),
      { numRuns: 150 },
    );
  });
});
