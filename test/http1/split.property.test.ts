// For any split of a byte stream, both sides see the same requests and answers, in any number and with any framing.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ChunkedReader } from '../../proxy/codec/h1/chunked.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

let upstream: RawUpstream;
let proxy: Proxy;
beforeAll(async () => {
  upstream = await RawUpstream.start();
  proxy = await startProxy(toUpstream(upstream.port));
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const bytes = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets).latin1Slice());
const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 5 });

/** A body in chunks cut at these sizes; the rest is the last piece. */
function inChunks(body: string, lengths: readonly number[], trailers: string): string {
  let text = '';
  let rest = body;
  for (const length of [...lengths, body.length]) {
    const piece = rest.slice(0, length);
    rest = rest.slice(length);
    if (piece !== '') text += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${text}0\r\n${trailers}\r\n`;
}

interface Wire {
  readonly bytes: string;
  readonly body: string;
}

interface Request extends Wire {
  readonly line: string;
}

const framed = fc
  .record({ body: bytes, sizes, chunked: fc.boolean(), trailers: fc.constantFrom('', 'X-T: 1\r\n') })
  .map(({ body, sizes: lengths, chunked, trailers }): Wire => {
    if (chunked) return { bytes: `Transfer-Encoding: chunked\r\n\r\n${inChunks(body, lengths, trailers)}`, body };
    return { bytes: `Content-Length: ${body.length}\r\n\r\n${body}`, body };
  });

const requests = fc.array(
  fc.record({ message: framed, get: fc.boolean(), blank: fc.boolean() }).map(({ message, get, blank }): Request => {
    const before = blank ? '\r\n' : '';
    if (get) return { bytes: `${before}GET /x HTTP/1.1\r\nHost: a\r\n\r\n`, body: '', line: 'GET /x HTTP/1.1' };
    return { bytes: `${before}POST /x HTTP/1.1\r\nHost: a\r\nX: y\r\n${message.bytes}`, body: message.body, line: 'POST /x HTTP/1.1' };
  }),
  { minLength: 1, maxLength: 5 },
);
const answers = fc.array(framed, { minLength: 5, maxLength: 5 });
/** The positions of the cuts, as fractions of the length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

function pieces(text: string, at: readonly number[]): string[] {
  const offsets = [0, ...at.map((share) => Math.floor(share * text.length)).sort((a, b) => a - b), text.length];
  return offsets.slice(1).map((end, i) => text.slice(offsets[i], end));
}

/** Writes the pieces, each in a separate packet. */
async function trickle(write: (piece: string) => void, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    if (part !== '') write(part);
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}

/** The requests and answers that both sides saw with these cuts. */
async function run(
  sent: readonly Wire[],
  back: readonly Wire[],
  requestCuts: readonly number[],
  answerCuts: readonly number[],
): Promise<unknown> {
  const seen: { readonly body: string; readonly line: string }[] = [];
  upstream.become(({ body, startLine }, { socket }) => {
    const answer = back[seen.push({ body, line: startLine }) - 1];
    const parts = pieces(`HTTP/1.1 200 OK\r\n${answer?.bytes ?? ''}`, answerCuts);
    void trickle((part) => socket.write(part, 'latin1'), parts);
    return null;
  });
  const client = await RawClient.connect(proxy.port);
  try {
    await trickle((part) => client.write(part), pieces(sent.map((request) => request.bytes).join(''), requestCuts));
    const bodies = [];
    for (let i = 0; i < sent.length; i++) bodies.push((await client.answer()).body);
    await until(() => seen.length === sent.length, 'all requests');
    return { seen, bodies, rest: client.received };
  } finally {
    client.destroy();
    upstream.forget();
  }
}

describe('splitting', () => {
  test('a pipeline and its answers, with any cuts, arrive unchanged and in order', async () => {
    await fc.assert(
      fc.asyncProperty(requests, answers, cuts, cuts, async (sent, back, requestCuts, answerCuts) => {
        expect(await run(sent, back, requestCuts, answerCuts)).toEqual({
          seen: sent.map(({ body, line }) => ({ body, line })),
          bodies: sent.map((_, i) => back[i]?.body),
          rest: '',
        });
      }),
      { numRuns: 150 },
    );
  });

  test('one request and its answer, cut in two places, a hundred times', async () => {
    const request = {
      bytes: '\r\nPOST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
      body: 'abc',
    };
    const answer = { bytes: 'Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 2\r\n\r\n', body: 'hi' };
    const whole = await run([request], [answer], [], []);
    for (let i = 1; i < 100; i++) expect(await run([request], [answer], [i / 100, (i + 0.5) / 100], [i / 100])).toEqual(whole);
  });

  test('a malformed request is refused in the same way for every cut', async () => {
    const malformed = fc.constantFrom(
      'GET / HTTP/1.1\nHost: a\n\n',
      'GET / HTTP/1.1\r\nHost : a\r\n\r\n',
      'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
      '\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    );
    await fc.assert(
      fc.asyncProperty(malformed, cuts, async (text, at) => {
        const client = await RawClient.connect(proxy.port);
        await trickle((part) => client.write(part), pieces(text, at));
        expect((await client.answer()).startLine).toBe('HTTP/1.1 400 Bad Request');
        await client.over();
        client.destroy();
      }),
      { numRuns: 100 },
    );
  });
});

describe('chunked coding', () => {
  test('decoding inverts encoding, for any chunks and reads, and stops at the end', () => {
    fc.assert(
      fc.property(bytes, sizes, cuts, bytes, (body, lengths, at, rest) => {
        const reader = new ChunkedReader(DEFAULT_LIMITS);
        const coded = inChunks(body, lengths, 'X-T: 1\r\n');
        let decoded = '';
        let used = 0;
        for (const part of pieces(coded + rest, at)) {
          used += reader.read(Buffer.from(part, 'latin1'), 0, { chunkData: (chunk) => ((decoded += chunk.latin1Slice()), true) });
          if (reader.done) break;
        }
        expect([decoded, used, reader.trailers]).toEqual([body, coded.length, ['x-t', '1']]);
      }),
    );
  });

  test('random bytes are read as a complete body only if they are one for a strict reader', () => {
    // Blanks may stand before the `;` of an extension (RFC 9110 section 5.6.3).
    const grammar = /^(?:0*[1-9a-fA-F][0-9a-fA-F]*(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?\r\n[^]*?)*?0+(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?\r\n/;
    fc.assert(
      fc.property(fc.array(fc.constantFrom('0', '1', 'a', ';', ' ', '\r\n', '\n', '\r', 'x:y', '+', '0x'), { maxLength: 14 }), (parts) => {
        const text = parts.join('');
        const reader = new ChunkedReader(DEFAULT_LIMITS);
        reader.read(Buffer.from(text, 'latin1'), 0, { chunkData: () => true });
        if (reader.done) expect(text).toMatch(grammar);
      }),
      { numRuns: 3_000 },
    );
  });
});
