// Decompression of requests, from the user's HTTPPolicy to the bytes that the backend gets.
import zlib from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { SecurityRig as PolicyRig, manifest, securityPolicy } from '../security/rig.ts';

closeAfterEach();

const TEXT = JSON.stringify(Array.from({ length: 200 }, (_, id) => ({ id, name: `user ${id}` })));
const ENCODERS = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, zstd: zlib.zstdCompressSync } as const;

function policy(decompression: object) {
  return manifest('HTTPPolicy', 'in', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], decompression });
}

function start(decompression: object = { maxSize: '1Mi' }, ...more: ReturnType<typeof manifest>[]): Promise<PolicyRig> {
  return PolicyRig.start([policy(decompression), ...more]);
}

function sending(coding: string, body: Buffer, more = ''): string {
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: ${coding}\r\n${more}`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${body.toString('latin1')}`;
}

/** The code in the answer of the proxy. */
const codeOf = ({ body }: { readonly body: string }): unknown => (JSON.parse(body) as { readonly code: string }).code;

describe('the body of a request', () => {
  test.each(['gzip', 'br', 'zstd'] as const)('with the coding %s reaches the backend plain', async (coding) => {
    const rig = await start();
    expect(status(await rig.ask(sending(coding, ENCODERS[coding](TEXT), 'Content-Digest: sha-256=:AA==:\r\n')))).toBe(200);
    const [request] = rig.upstream.requests;
    const names = ['content-encoding', 'content-length', 'content-digest'];
    expect([request?.body, ...names.map((name) => request && header(request, name))]).toEqual([TEXT, undefined, undefined, undefined]);
  });

  test.each([
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
  ] as const)('has its coding by the name %s', async (name, coding) => {
    const rig = await start();
    await rig.ask(sending(name, ENCODERS[coding](TEXT)));
    expect(rig.upstream.requests[0]?.body).toBe(TEXT);
  });

  test('of several parts is one body', async () => {
    const rig = await start();
    await rig.ask(sending('gzip', Buffer.concat([zlib.gzipSync('one'), zlib.gzipSync('two')])));
    expect(rig.upstream.requests[0]?.body).toBe('onetwo');
  });

  test('without a coding, and with another one, goes on as it is', async () => {
    const rig = await start({ codings: ['br'] });
    const gzipped = zlib.gzipSync(TEXT);
    await rig.ask(sending('identity', Buffer.from(TEXT)));
    await rig.ask(sending('gzip', gzipped));
    await rig.ask(sending('br, gzip', gzipped));
    expect(rig.upstream.requests.map(({ body }) => body)).toEqual([TEXT, gzipped.toString('latin1'), gzipped.toString('latin1')]);
  });

  test('with another coding is refused where the policy says so, and the answer lists the codings', async () => {
    const rig = await start({ codings: ['br', 'zstd'], otherCodings: 'Refuse' });
    for (const coding of ['gzip', 'br, gzip', 'x']) {
      const answer = await rig.ask(sending(coding, Buffer.from('x')));
      expect([status(answer), codeOf(answer), header(answer, 'accept-encoding')]).toEqual([415, 'content_coding_refused', 'br, zstd']);
    }
    expect(rig.upstream.requests).toHaveLength(0);
  });
});

describe('an attack', () => {
  test.each([
    ['that is no gzip', Buffer.from('this is plain')],
    ['that is cut off', zlib.gzipSync(TEXT).subarray(0, -12)],
    ['with a changed checksum', Buffer.from(zlib.gzipSync(TEXT).map((byte, i, all) => (i === all.length - 6 ? byte ^ 1 : byte)))],
  ])('by a body %s is refused, and the backend gets no complete request', async (_, body) => {
    const rig = await start();
    const answer = await rig.ask(sending('gzip', body));
    expect([status(answer), codeOf(answer)]).toEqual([400, 'content_coding_malformed']);
    expect(rig.upstream.requests).toHaveLength(0);
  });

  test.each(['gzip', 'br', 'zstd'] as const)('by bytes behind the end of %s is refused', async (coding) => {
    const rig = await start();
    const answer = await rig.ask(sending(coding, Buffer.concat([ENCODERS[coding](TEXT), Buffer.from('GET /admin HTTP/1.1\r\n\r\n')])));
    expect([status(answer), codeOf(answer), rig.upstream.requests.length]).toEqual([400, 'content_coding_malformed', 0]);
  });

  test.each(['gzip', 'br', 'zstd'] as const)('by a bomb of %s is refused at the ratio, and costs the backend little', async (coding) => {
    const rig = await start({ maxSize: '1Gi' });
    const answer = await rig.ask(sending(coding, ENCODERS[coding](Buffer.alloc(64 * 1_048_576))));
    expect([status(answer), codeOf(answer)]).toEqual([413, 'request_body_too_large']);
    expect(rig.upstream.requests).toHaveLength(0);
    expect(rig.upstream.connections[0]?.octets ?? 0).toBeLessThan(16 * 1_048_576);
  });

  test('by a body that is too large is refused at the size', async () => {
    const rig = await start({ maxSize: '10Ki', maxRatio: 100_000 });
    expect(status(await rig.ask(sending('gzip', zlib.gzipSync(Buffer.alloc(10_240)))))).toBe(200);
    expect(status(await rig.ask(sending('gzip', zlib.gzipSync(Buffer.alloc(10_241)))))).toBe(413);
  });

  test('by JSON that a coding hides meets the limits of JSON', async () => {
    const limits = securityPolicy('limits', { requestLimits: { json: { depth: 8 } } });
    const rig = await start(undefined, limits);
    const deep = '['.repeat(9) + ']'.repeat(9);
    const asked = async (coding: string, bytes: Buffer) => status(await rig.ask(sending(coding, bytes)));
    expect(await asked('gzip', zlib.gzipSync(TEXT))).toBe(200);
    expect(await asked('gzip', zlib.gzipSync(deep))).toBe(400);
    expect(await asked('identity', Buffer.from(deep))).toBe(400);
    expect(await asked('gzip', zlib.gzipSync('{"a":'))).toBe(400);
    // Nothing decompresses it.
    expect(await asked('compress', Buffer.from(deep))).toBe(415);
    expect(rig.upstream.requests.map(({ body }) => body)).toEqual([TEXT]);
  });
});

test('the size limit of a SecurityPolicy counts the body as it was sent', async () => {
  const limits = securityPolicy('limits', { requestLimits: { bodyBytes: 200 } });
  const rig = await start(undefined, limits);
  expect(status(await rig.ask(sending('gzip', zlib.gzipSync(Buffer.alloc(5_000)))))).toBe(200);
  expect(rig.upstream.requests[0]?.body.length).toBe(5_000);
});
