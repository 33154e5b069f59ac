// gRPC-Web over HTTP/1.1 and HTTP/2, to a gRPC server: the bytes that a page gets.
import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../grpc/echo.ts';
import { manifest, SecurityRig as PolicyRig, securityPolicy } from '../security/rig.ts';
import { closeAfterEach, closeLater, openClient } from '../support/fixture.ts';
import { openSession, openStream, request } from '../support/h2-client.ts';
import { header, status } from '../support/message.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const TARGET = { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }] };
const POLICY = manifest('HTTPPolicy', 'web', { ...TARGET, grpcWeb: {} });
const WEB = 'application/grpc-web+proto';
const TEXT = 'application/grpc-web-text+proto';

interface Frame {
  readonly flags: number;
  readonly bytes: string;
}

function message(text: string, flags = 0): Buffer {
  const bytes = Buffer.from(text);
  const prefix = Buffer.from([flags, 0, 0, 0, 0]);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

function framesOf(body: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < body.length;) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    frames.push({ flags: body[at] ?? 0, bytes: body.toString('latin1', at + 5, end) });
    at = end;
  }
  return frames;
}

/** Each piece has its own padding. */
const unBase64 = (text: string): Buffer => Buffer.concat([...text.matchAll(/[^=]+=*/g)].map(([piece]) => Buffer.from(piece, 'base64')));

async function start(objects = [POLICY]): Promise<{ readonly rig: PolicyRig; readonly echo: EchoServer }> {
  const echo = await EchoServer.start('');
  closeLater(() => echo.close());
  const rig = await PolicyRig.start([...objects, manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: echo.port }] })]);
  return { rig, echo };
}

function http1(path: string, body: Buffer, type = WEB, more = ''): string {
  const head = `POST /test.Echo/${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${more}Content-Length: ${body.length}\r\n\r\n`;
  return head + body.toString('latin1');
}

describe('a call', () => {
  test('over HTTP/1.1 ends with its trailers in the body', async () => {
    const { rig } = await start();
    const answer = await rig.ask(http1('Unary', message('hello'), WEB, 'x-echo-a: 1\r\n'));
    expect([status(answer), header(answer, 'content-type'), header(answer, 'x-echo-a')]).toEqual([200, WEB, '1']);
    const [data, end] = framesOf(Buffer.from(answer.body, 'latin1'));
    expect(data).toEqual({ flags: 0, bytes: 'hello' });
    expect(end).toMatchObject({
      flags: 0x80,
      bytes: expect.stringMatching(/^(x-echo-a: 1\r\n|grpc-status: 0\r\n|grpc-message: OK\r\n)+$/),
    });
  });

  test('over HTTP/2 has no trailers beside the body', async () => {
    const { rig } = await start();
    const session = openSession(rig.proxy.port);
    const headers = { ':method': 'POST', ':path': '/test.Echo/Expand', 'content-type': WEB };
    const { body, trailers } = await request(session, headers, message('abc'));
    expect(framesOf(body).map(({ flags, bytes }) => (flags === 0 ? bytes : flags))).toEqual(['a', 'b', 'c', 0x80]);
    expect(trailers).toEqual({});
  });

  test('as text is Base64 both ways, however it is cut', async () => {
    const { rig } = await start();
    const text = Buffer.from(message('one').toString('base64') + message('three').toString('base64'));
    const session = openSession(rig.proxy.port);
    const headers = { ':method': 'POST', ':path': '/test.Echo/Collect', 'content-type': TEXT };
    const stream = openStream(session, headers, false);
    let body = '';
    stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
    for (const byte of text) stream.write(Buffer.of(byte));
    stream.end();
    await until(() => stream.destroyed, 'the end of the answer');
    expect(framesOf(unBase64(body)).map(({ bytes }) => bytes)).toEqual(['onethree', expect.stringContaining('grpc-status: 0')]);
  });

  test('gets the form that it accepts', async () => {
    const { rig } = await start();
    const answer = await rig.ask(http1('Unary', message('x'), 'application/grpc-web', 'Accept: application/grpc-web-text\r\n'));
    expect(header(answer, 'content-type')).toBe('application/grpc-web-text+proto');
    expect(framesOf(unBase64(answer.body))[0]?.bytes).toBe('x');
  });

  test('that fails without an answer has its status in the body too', async () => {
    const { rig } = await start();
    const answer = await rig.ask(http1('Unary', message('x'), WEB, 'x-fail: 5\r\n'));
    expect([status(answer), header(answer, 'grpc-status')]).toEqual([200, undefined]);
    const [end] = framesOf(Buffer.from(answer.body, 'latin1'));
    expect(end).toEqual({ flags: 0x80, bytes: 'grpc-status: 5\r\ngrpc-message: failed%20with%205:%20%C3%A9%25\r\n' });
  });

  test('has the deadline of the caller', async () => {
    const { rig, echo } = await start();
    const answer = await rig.ask(http1('Unary', message('x'), WEB, 'x-hang: 1\r\ngrpc-timeout: 100m\r\n'));
    expect(framesOf(Buffer.from(answer.body, 'latin1')).at(-1)?.bytes).toMatch(/^grpc-status: 4\r\n/);
    await until(() => echo.cancelled === 1, 'the cancellation');
  });

  test('gets each message when it comes, and its backend learns that the page has gone', async () => {
    const { rig, echo } = await start();
    const session = openSession(rig.proxy.port);
    const stream = openStream(session, { ':method': 'POST', ':path': '/test.Echo/Chat', 'content-type': WEB }, false);
    let body = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => (body = Buffer.concat([body, chunk])));
    stream.write(message('ping'));
    await until(() => body.length === 9, 'the first message');
    expect(framesOf(body)).toEqual([{ flags: 0, bytes: 'ping' }]);
    stream.close(8);
    await until(() => echo.cancelled === 1, 'the cancellation');
  });

  test('ends with a status in the body when its backend vanishes between two messages', async () => {
    const { rig, echo } = await start();
    const stream = openStream(openSession(rig.proxy.port), { ':method': 'POST', ':path': '/test.Echo/Chat', 'content-type': WEB }, false);
    let body = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => (body = Buffer.concat([body, chunk])));
    stream.write(message('ping'));
    await until(() => body.length === 9, 'the first message');
    echo.close();
    await until(() => body.length > 14, 'the status');
    expect(framesOf(body).map(({ flags, bytes }) => [flags, bytes.slice(0, 13)])).toEqual([
      [0, 'ping'],
      [0x80, 'grpc-status: '],
    ]);
  });
});

describe('an answer of the proxy', () => {
  test('is a gRPC status in the body', async () => {
    const { rig } = await start([POLICY, securityPolicy('deny', { authorization: { default: 'Deny' } })]);
    const answer = await rig.ask(http1('Unary', message('x')));
    expect([status(answer), header(answer, 'content-type')]).toEqual([200, WEB]);
    expect(framesOf(Buffer.from(answer.body, 'latin1'))[0]?.bytes).toMatch(/^grpc-status: 7\r\n/);
  });

  test('to text that is not Base64 is INVALID_ARGUMENT, and the backend never gets a message', async () => {
    const { rig } = await start();
    for (const text of ['AAAA!AAA', 'AAA', 'A=AA', '====']) {
      const answer = await rig.ask(http1('Unary', Buffer.from(text), TEXT));
      expect(framesOf(unBase64(answer.body)).map(({ bytes }) => bytes.slice(0, 14))).toEqual(['grpc-status: 3']);
    }
  });
});

test('a preflight is answered by cors, and the answer may be read', async () => {
  const cors = { allowOrigins: ['https://page.example'], allowMethods: ['POST'], allowHeaders: ['content-type', 'x-grpc-web'] };
  const { rig } = await start([POLICY, securityPolicy('cors', { cors })]);
  const asked = 'Host: a\r\nOrigin: https://page.example\r\n';
  const more = 'Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,x-grpc-web\r\n';
  const preflight = await rig.ask(`OPTIONS /test.Echo/Unary HTTP/1.1\r\n${asked}${more}\r\n`);
  expect([status(preflight), header(preflight, 'access-control-allow-headers')]).toEqual([204, 'content-type, x-grpc-web']);
  const answer = await rig.ask(http1('Unary', message('x'), WEB, 'Origin: https://page.example\r\n'));
  expect(header(answer, 'access-control-allow-origin')).toBe('https://page.example');
  expect(framesOf(Buffer.from(answer.body, 'latin1'))).toHaveLength(2);
});

test('other requests, and routes without the policy, are as before', async () => {
  const rig = await PolicyRig.start([POLICY]);
  expect((await rig.ask(http1('Unary', message('x'), 'application/json'))).body).toBe('ok');
  const plain = await PolicyRig.start([]);
  const client = await openClient(plain.proxy.port);
  expect((await client.ask(http1('Unary', message('x')))).body).toBe('ok');
  expect(plain.upstream.requests.map((each) => header(each, 'content-type'))).toEqual([WEB]);
});
