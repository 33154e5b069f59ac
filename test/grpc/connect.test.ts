// The Connect protocol, which passes without a setting: the packages of its authors on both ends, and Weir between them.
import { describe, expect, test } from '@jest/globals';
import { Code } from '@connectrpc/connect';
import { compressionGzip } from '@connectrpc/connect-node';
import { PassThrough } from 'node:stream';
import { manifest, securityPolicy, SecurityRig } from '../security/rig.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { connectClient, ConnectServer, errorOf, TEXT, textsOf } from './connect-echo.ts';

closeAfterEach();

const TARGET = { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }] };
const HTTP2 = manifest('BackendTrafficPolicy', 'http2', { ...TARGET, protocol: 'HTTP2' });

type Version = '1.1' | '2';

interface Chain {
  readonly server: ConnectServer;
  readonly rig: SecurityRig;
}

/** A proxy in front of a server of this version of HTTP. */
async function start(version: Version = '2', objects: readonly Manifest[] = []): Promise<Chain> {
  const server = await ConnectServer.start(version);
  closeLater(() => server.close());
  const backend = manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: server.port }] });
  return { server, rig: await SecurityRig.start([backend, ...(version === '2' ? [HTTP2] : []), ...objects]) };
}

const message = (text: string): { readonly text: string } => ({ text });

/** These texts as a stream of requests. */
async function* stream(...texts: readonly string[]): AsyncGenerator<{ readonly text: string }> {
  for (const text of texts) yield message(text);
}

describe.each<[Version, Version]>([
  ['1.1', '1.1'],
  ['1.1', '2'],
  ['2', '1.1'],
  ['2', '2'],
])('from HTTP/%s to HTTP/%s', (from, to) => {
  test.each([
    ['Protobuf', true],
    ['JSON', false],
  ])('calls of all kinds pass as %s', async (_, useBinaryFormat) => {
    const { server, rig } = await start(to);
    const client = connectClient(rig.proxy.port, from, { useBinaryFormat, useHttpGet: true });
    expect((await client.unary(message('é'))).text).toBe('é');
    expect((await client.read(message('a/b?c&é'))).text).toBe('a/b?c&é');
    expect((await client.collect(stream('a', 'b', 'c'))).text).toBe('abc');
    expect(await textsOf(client.expand(message('xyz')))).toEqual(['x', 'y', 'z']);
    expect(server.methods).toEqual(['POST', 'GET', 'POST', 'POST']);
    if (from === '2' && to === '2') expect(await textsOf(client.chat(stream('1', '2')))).toEqual(['1', '2']);
  });

  test('errors keep code, message, details and metadata', async () => {
    const { rig } = await start(to);
    const client = connectClient(rig.proxy.port, from);
    const headers = { 'x-fail': String(Code.NotFound) };
    const calls = [client.unary(message('x'), { headers }), textsOf(client.expand(message('x'), { headers }))];
    for (const error of await Promise.all(calls.map(errorOf))) {
      expect([error.code, error.rawMessage, error.metadata.get('x-meta')]).toEqual([Code.NotFound, 'failed with NotFound: é%', 'data']);
      expect(error.findDetails(TEXT)).toMatchObject([{ text: 'why' }]);
    }
  });

  test('headers and trailers pass, and so do compressed bodies and messages', async () => {
    const { server, rig } = await start(to);
    const gzip = { sendCompression: compressionGzip, acceptCompression: [compressionGzip], compressMinBytes: 1 };
    const client = connectClient(rig.proxy.port, from, { ...gzip, useHttpGet: true });
    const seen: (string | null)[] = [];
    const onHeader = (headers: Headers): unknown =>
      seen.push(headers.get('x-echo'), headers.get('content-encoding') ?? headers.get('connect-content-encoding'));
    const onTrailer = (trailers: Headers): unknown => seen.push(trailers.get('x-echo'));
    const options = { headers: { 'x-echo': 'text' }, onHeader, onTrailer };
    const long = 'long '.repeat(1_000);
    expect((await client.unary(message(long), options)).text).toBe(long);
    expect((await client.read(message(long), options)).text).toBe(long);
    expect((await client.collect(stream(long, long), options)).text).toBe(long + long);
    expect(seen).toEqual(['text', 'gzip', 'text', 'text', 'gzip', 'text', 'text', 'gzip', 'text']);
    // The coding of a GET is a parameter.
    expect(server.codings).toEqual(['gzip', null, 'gzip']);
  });
});

describe('a call', () => {
  test('is a conversation, message by message', async () => {
    const { rig } = await start();
    const words = new PassThrough({ objectMode: true });
    const answers = connectClient(rig.proxy.port, '2').chat(words)[Symbol.asyncIterator]();
    for (const word of ['how', 'are', 'you']) {
      words.write(message(word));
      expect((await answers.next()).value).toMatchObject({ text: word });
    }
    words.end();
    expect((await answers.next()).done).toBe(true);
  });

  test('has its timeout at the server, which learns that the client has gone', async () => {
    const { server, rig } = await start();
    const client = connectClient(rig.proxy.port, '2');
    const headers = { 'x-hang': '1' };
    expect((await errorOf(client.unary(message('x'), { headers, timeoutMs: 200 }))).code).toBe(Code.DeadlineExceeded);
    const gone = new AbortController();
    const call = errorOf(textsOf(client.expand(message('x'), { headers, signal: gone.signal })));
    await until(() => server.timeouts.length === 2, 'both calls');
    gone.abort();
    expect((await call).code).toBe(Code.Canceled);
    await until(() => server.cancelled === 2, 'both ends');
    expect([server.timeouts[0]! <= 200, server.timeouts[1]]).toEqual([true, undefined]);
  });
});

describe('policies', () => {
  test.each([
    [Code.PermissionDenied, 'authorization', securityPolicy('deny', { authorization: { default: 'Deny' } })],
    [Code.Unauthenticated, 'authentication', securityPolicy('keys', { authentication: { basic: {} } })],
    [Code.Unavailable, 'maintenance', manifest('HTTPPolicy', 'closed', { ...TARGET, maintenance: {} })],
  ])('refuse calls of all kinds with code %i by %s', async (code, _, policy) => {
    const { rig } = await start('2', [policy]);
    const client = connectClient(rig.proxy.port, '2');
    const calls = [client.unary(message('x')), client.collect(stream('x')), textsOf(client.expand(message('x')))];
    expect((await Promise.all(calls.map(errorOf))).map((error) => error.code)).toEqual([code, code, code]);
  });

  test('compress answers of JSON, and leave messages of streams alone', async () => {
    const compression = manifest('HTTPPolicy', 'compression', { ...TARGET, compression: { minSize: 10 } });
    const { rig } = await start('2', [compression]);
    const client = connectClient(rig.proxy.port, '2', { useBinaryFormat: false });
    const codings: (string | null)[] = [];
    const onHeader = (headers: Headers): unknown => codings.push(headers.get('content-encoding'));
    // The server itself compresses from 1,024 bytes on.
    const short = 'short '.repeat(100);
    expect((await client.unary(message(short), { onHeader })).text).toBe(short);
    expect(await textsOf(client.expand(message('abc'), { onHeader }))).toEqual(['a', 'b', 'c']);
    expect(codings).toEqual([expect.stringMatching(/^(gzip|br)$/), null]);
  });
});
