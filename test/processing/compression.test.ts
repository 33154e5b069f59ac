// Compression of answers, from the user's HTTPPolicy to the bytes that a client decodes.
import zlib from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { closeAfterEach, get, openClient } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import { SecurityRig as PolicyRig, manifest } from '../security/rig.ts';

closeAfterEach();

const TEXT = JSON.stringify(Array.from({ length: 200 }, (_, id) => ({ id, name: `user ${id}`, active: true })));
const JSON_TYPE = 'content-type: application/json; charset=utf-8\r\n';
const DECODERS = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync, zstd: zlib.zstdDecompressSync } as const;
type Coding = keyof typeof DECODERS;

function policy(compression: object, target: object = { kind: 'HTTPRoute', name: 'app' }, name = 'web') {
  return manifest('HTTPPolicy', name, { targetRefs: [target], compression });
}

/** A proxy with these settings, and a backend with this answer. */
async function start(compression: object = { minSize: 1 }, answer = ok(TEXT, JSON_TYPE)): Promise<PolicyRig> {
  const rig = await PolicyRig.start([policy(compression)]);
  rig.upstream.become(answer);
  return rig;
}

function decoded(answer: Message): string {
  return DECODERS[header(answer, 'content-encoding') as Coding](Buffer.from(answer.body, 'latin1')).toString();
}

const accepting = (codings: string, more = ''): string => get('/', `Accept-Encoding: ${codings}\r\n${more}`);

describe('an answer', () => {
  test.each(['gzip', 'br', 'zstd'] as const)('is compressed with %s, and a decoder reads it', async (coding) => {
    const rig = await start();
    const answer = await rig.ask(accepting(coding));
    expect([status(answer), header(answer, 'content-encoding'), header(answer, 'vary')]).toEqual([200, coding, 'accept-encoding']);
    expect([header(answer, 'content-length'), header(answer, 'transfer-encoding')]).toEqual([undefined, 'chunked']);
    expect(decoded(answer)).toBe(TEXT);
    expect(answer.body.length).toBeLessThan(TEXT.length / 3);
  });

  test('is compressed with the coding that the client prefers, and among equal ones with the first of the policy', async () => {
    const rig = await start({ minSize: 1, codings: ['br', 'gzip'] });
    const codings = ['gzip;q=1, br;q=0.5', 'gzip, br', 'zstd, gzip;q=0.1', '*'];
    const answers = [];
    for (const each of codings) answers.push(header(await rig.ask(accepting(each)), 'content-encoding'));
    expect(answers).toEqual(['gzip', 'br', 'gzip', 'br']);
  });

  test.each([
    ['a client that accepts no coding', '', get()],
    ['a client that refuses all codings', '', accepting('gzip;q=0, br;q=0, zstd;q=0, *;q=0')],
    ['a client that prefers a plain body', '', accepting('identity, gzip;q=0.5')],
  ])('stays plain for %s, and says that it varies', async (_, headers, bytes) => {
    const rig = await start({ minSize: 1 }, ok(TEXT, JSON_TYPE + headers));
    const answer = await rig.ask(bytes);
    expect([header(answer, 'content-encoding'), header(answer, 'vary'), answer.body]).toEqual([undefined, 'accept-encoding', TEXT]);
  });

  test.each([
    ['with a coding already', ok(TEXT, `${JSON_TYPE}content-encoding: gzip\r\n`)],
    ['that must not be transformed', ok(TEXT, `${JSON_TYPE}cache-control: public, No-Transform\r\n`)],
    ['of another type', ok(TEXT, 'content-type: image/png\r\n')],
    ['without a type', ok(TEXT)],
    ['that is a part', ok(TEXT, `${JSON_TYPE}content-range: bytes 0-9/100\r\n`).replace('200 OK', '206 Partial Content')],
    ['that is shorter than the limit', ok('{"short":true}', JSON_TYPE)],
  ])('stays as it is %s', async (_, bytes) => {
    const rig = await start({}, bytes);
    const answer = await rig.ask(accepting('gzip'));
    const body = bytes.slice(bytes.indexOf('\r\n\r\n') + 4);
    expect([header(answer, 'vary'), answer.body, header(answer, 'content-length')]).toEqual([undefined, body, String(body.length)]);
  });

  test.each([204, 304])('without a body stays as it is: %d', async (code) => {
    const rig = await start({ minSize: 0 }, `HTTP/1.1 ${code} X\r\n${JSON_TYPE}etag: "a"\r\n\r\n`);
    const answer = await rig.ask(accepting('gzip'), undefined);
    expect([status(answer), header(answer, 'content-encoding'), header(answer, 'etag'), answer.body]).toEqual([code, undefined, '"a"', '']);
  });

  test('loses what holds for other bytes only', async () => {
    const about = 'content-md5: x\r\ncontent-digest: sha-256=:AA==:\r\nrepr-digest: sha-256=:AA==:\r\naccept-ranges: bytes\r\n';
    const rig = await start({ minSize: 1 }, ok(TEXT, `${JSON_TYPE}etag: "v1"\r\nvary: Origin\r\n${about}`));
    const answer = await rig.ask(accepting('gzip'));
    const names = ['content-md5', 'content-digest', 'repr-digest', 'accept-ranges', 'content-length'];
    expect(names.map((name) => header(answer, name))).toEqual(names.map(() => undefined));
    expect(header(answer, 'etag')).toBe('W/"v1"');
    expect(answer.raw.toLowerCase()).toMatch(/vary: origin\r\n[^]*vary: accept-encoding/);
  });

  test('to HEAD has the head of a compressed answer', async () => {
    const rig = await start({ minSize: 1 }, `HTTP/1.1 200 OK\r\n${JSON_TYPE}content-length: ${TEXT.length}\r\n\r\n`);
    const client = await openClient(rig.proxy.port);
    const answer = await client.ask(accepting('gzip').replace('GET', 'HEAD'), true);
    expect([header(answer, 'content-encoding'), header(answer, 'content-length'), answer.body]).toEqual(['gzip', undefined, '']);
  });

  test('of the proxy itself is compressed too', async () => {
    const rig = await start({ minSize: 1, types: ['application/*+json'] });
    await rig.upstream.close();
    const answer = await rig.ask(accepting('gzip'));
    expect([status(answer), JSON.parse(decoded(answer))]).toMatchObject([502, { code: expect.any(String) }]);
  });

  test('of a backend without an announced length goes out whenever it pauses', async () => {
    const rig = await start({ codings: ['br'] });
    const sockets: { write(text: string): unknown }[] = [];
    rig.upstream.become((_, { socket }) => {
      sockets.push(socket);
      socket.write(`HTTP/1.1 200 OK\r\n${JSON_TYPE}transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n`);
      return null;
    });
    const client = await openClient(rig.proxy.port);
    client.write(accepting('br'));
    const text = (): string => partly(client.received);
    await until(() => text() === 'first', 'the first piece');
    sockets[0]?.write('6\r\nsecond\r\n0\r\n\r\n');
    expect(decoded(await client.answer())).toBe('firstsecond');
  });
});

/** What a client can read of a Brotli answer that is not complete. */
function partly(received: string): string {
  const head = received.indexOf('\r\n\r\n');
  if (head < 0) return '';
  let [rest, body] = [received.slice(head + 4), ''];
  for (;;) {
    const end = rest.indexOf('\r\n');
    const length = end < 0 ? 0 : Number.parseInt(rest.slice(0, end), 16);
    if (length === 0 || rest.length < end + 2 + length) break;
    body += rest.slice(end + 2, end + 2 + length);
    rest = rest.slice(end + 4 + length);
  }
  const partial = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };
  return body === '' ? '' : zlib.brotliDecompressSync(Buffer.from(body, 'latin1'), partial).toString();
}

describe('an answer to a page of another origin', () => {
  const page = 'Origin: https://other.test\r\nSec-Fetch-Site: cross-site\r\n';

  test.each([
    ['whose request has cookies', page + 'Cookie: sid=1\r\n', ''],
    ['whose request has credentials', page + 'Authorization: Bearer x\r\n', ''],
    ['that sets cookies', page, 'set-cookie: sid=1\r\n'],
    ['by its origin alone', 'Origin: https://other.test\r\nCookie: sid=1\r\n', ''],
    ['by its address alone', 'Referer: https://other.test/page\r\nCookie: sid=1\r\n', ''],
    ['of a neighbour', 'Sec-Fetch-Site: same-site\r\nCookie: sid=1\r\n', ''],
  ])('stays plain, because its length could tell a secret: %s', async (_, asked, answered) => {
    const rig = await start({ minSize: 1 }, ok(TEXT, JSON_TYPE + answered));
    expect((await rig.ask(accepting('gzip', asked))).body).toBe(TEXT);
    await rig.change([policy({ minSize: 1, crossOrigin: 'Compressed' })]);
    expect(decoded(await rig.ask(accepting('gzip', asked)))).toBe(TEXT);
  });

  test.each([
    ['without a secret', page],
    ['of the host itself', 'Sec-Fetch-Site: same-origin\r\nCookie: sid=1\r\n'],
    ['of the host itself, by its origin', 'Origin: http://a\r\nCookie: sid=1\r\n'],
    ['of no browser', 'Cookie: sid=1\r\n'],
  ])('is compressed %s', async (_, asked) => {
    const rig = await start();
    expect(decoded(await rig.ask(accepting('gzip', asked)))).toBe(TEXT);
  });
});

describe('a policy', () => {
  test('that is nearer turns compression off', async () => {
    const wide = policy({ minSize: 1 }, { kind: 'Gateway', name: 'gw' }, 'wide');
    const rig = await PolicyRig.start([wide]);
    rig.upstream.become(ok(TEXT, JSON_TYPE));
    expect(decoded(await rig.ask(accepting('gzip')))).toBe(TEXT);
    await rig.change([policy({ mode: 'Disabled' })]);
    const answer = await rig.ask(accepting('gzip'));
    expect([answer.body, header(answer, 'vary')]).toEqual([TEXT, undefined]);
  });

  test.each([
    ['types', { types: ['json'] }, 'spec.compression.types[0]'],
    ['codings', { codings: ['deflate'] }, 'spec.compression.codings[0]'],
  ])('with an unknown value is invalid: %s', (_, compression, field) => {
    const result = validateObject(policy(compression), { strict: true });
    expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringContaining(field)]);
  });
});
