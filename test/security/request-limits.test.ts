// The requestLimits of SecurityPolicies: bombs, hidden and broken JSON over sockets, whole and byte by byte, and what the backend got of it.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { closeAfterAll, openClient } from '../support/fixture.ts';
import { answerOf, openSession, openStream } from '../support/h2-client.ts';
import { header, status, type Message } from '../support/message.ts';
import { ok, type Respond } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import { manifest, SecurityRig, securityPolicy } from './rig.ts';

closeAfterAll();

const JSON_LIMITS = { depth: 4, members: 3, elements: 4, stringBytes: 16, numberLength: 8, duplicateNames: 'Refuse' };
const LIMITS = securityPolicy('limits', { requestLimits: { bodyBytes: '2Mi', json: JSON_LIMITS } });
/** JSON within all limits, longer than what the proxy collects before it asks a backend. */
const LONG = `{"a":1${' '.repeat(1_000_000)}`;

/** Each request has its own connection to the backend. */
const CLOSING: Respond = () => ok('ok', 'connection: close\r\n');

let rig: SecurityRig;

beforeAll(async () => {
  rig = await SecurityRig.start([LIMITS]);
  rig.upstream.become(CLOSING);
});

beforeEach(async () => {
  await rig.change([LIMITS]);
  await until(() => rig.upstream.open === 0, 'the end of earlier requests');
  rig.upstream.forget();
});

function head(fields: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`;
}

function post(body: string | Buffer, fields = 'Content-Type: application/json\r\n'): Promise<Message> {
  const bytes = Buffer.isBuffer(body) ? body.latin1Slice() : Buffer.from(body).latin1Slice();
  return rig.ask(`${head(`${fields}Content-Length: ${bytes.length}\r\n`)}${bytes}`);
}

async function outcome(answer: Promise<Message>): Promise<string> {
  const message = await answer;
  const code = /"code":"(\w+)"/.exec(message.body)?.[1] ?? '';
  return `${status(message)} ${code}`.trim();
}

/** All that the backend got. */
function received(): string {
  return rig.upstream.connections.map((connection) => connection.received).join('');
}

const events = () => rig.proxy.metric('weir_security_events_total');

describe('JSON passes', () => {
  test.each([
    ['within all limits', '{"a":[1,2,{"b":[]}],"c":"0123456789abcdef","d":-1.5e+10}'],
    ['that is a single value', ' "héé" '],
  ])('%s', async (_, body) => {
    expect(await outcome(post(body))).toBe('200');
    expect((await rig.upstream.request()).body).toBe(Buffer.from(body).latin1Slice());
  });

  test('byte by byte, without a length', async () => {
    const client = await openClient(rig.proxy.port);
    client.write(head('Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n'));
    for (const byte of Buffer.from('{"a":["é"]}')) client.write(Buffer.from([0x31, 13, 10, byte, 13, 10]));
    client.write('0\r\n\r\n');
    expect(status(await client.answer())).toBe(200);
  });

  test('if it is no JSON by its type, or has no body', async () => {
    expect(await outcome(post('{{', 'Content-Type: text/plain\r\n'))).toBe('200');
    expect(await outcome(rig.ask(head('Content-Type: application/json\r\n')))).toBe('200');
  });

  test('under a coding where the policy says so, but never beyond the size', async () => {
    const json = { ...JSON_LIMITS, contentCoding: 'Pass' };
    await rig.change([securityPolicy('limits', { requestLimits: { bodyBytes: 64, json } })]);
    const fields = 'Content-Type: application/json\r\nContent-Encoding: gzip\r\n';
    expect(await outcome(post(gzipSync('[[[[[[1]]]]]]'), fields))).toBe('200');
    expect(await outcome(post(Buffer.alloc(65, 1), fields))).toBe('413 request_body_too_large');
  });
});

describe('a body is refused, and the backend gets nothing of it', () => {
  const malformed = '400 json_malformed';
  const beyond = '400 json_limit_exceeded';
  test.each([
    ['a depth bomb', '['.repeat(100_000), beyond],
    ['a depth bomb of objects', '{"a":'.repeat(100_000), beyond],
    ['too many members', '{"a":1,"b":2,"c":3,"d":4}', beyond],
    ['too many elements', '[1,2,3,4,5]', beyond],
    ['a huge name', `{"${'a'.repeat(100_000)}":1}`, beyond],
    ['a huge string', `["${'\\u0061'.repeat(1_000)}"]`, beyond],
    ['a huge number', `[${'9'.repeat(1_000)}]`, beyond],
    ['a name twice', '{"role":"user","role":"admin"}', malformed],
    ['a name twice by an escape', '{"role":"user","r\\u006fle":"admin"}', malformed],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), malformed],
    ['an overlong quote', Buffer.from([0x22, 0xc0, 0xa2, 0x22]), malformed],
    ['a half of a pair', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), malformed],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), malformed],
    ['a byte order mark', '\ufeff{}', malformed],
    ['a cut text', '{"a":[1,2', malformed],
    ['two texts', '{}{}', malformed],
    ['a comment', '{"a":1/*,"b":2*/}', malformed],
    ['a trailing comma', '[1,]', malformed],
    ['NaN', '[NaN]', malformed],
    ['white space only', ' ', malformed],
  ])('%s', async (_, body, expected) => {
    const before = events();
    expect(await outcome(post(body))).toBe(expected);
    expect(events()).toBe(before + 1);
    expect(received()).toBe('');
  });

  test.each([
    ['parameters', 'Content-Type: application/json; charset=latin1\r\n'],
    ['capitals', 'Content-Type: Application/JSON\r\n'],
    ['a suffix', 'Content-Type: application/merge-patch+json\r\n'],
    ['its old name', 'Content-Type: text/json\r\n'],
    ['a second line', 'Content-Type: text/plain\r\nContent-Type: application/json\r\n'],
    ['a list', 'Content-Type: text/plain, application/json\r\n'],
  ])('with a JSON content type with %s', async (_, fields) => {
    expect(await outcome(post('{', fields))).toBe(malformed);
  });

  test.each(['gzip', 'GZIP', 'identity, br', 'x'])('under the coding %s', async (coding) => {
    const before = events();
    const fields = `Content-Type: application/json\r\nContent-Encoding: ${coding}\r\n`;
    expect(await outcome(post(gzipSync('{}'), fields))).toBe('415 content_coding_refused');
    expect([events(), received()]).toEqual([before + 1, '']);
  });

  test('beyond the announced size, before it is sent', async () => {
    const answer = rig.ask(head('Content-Length: 2097153\r\nExpect: 100-continue\r\n'));
    expect(await outcome(answer)).toBe('413 request_body_too_large');
    expect(received()).toBe('');
  });
});

describe('a body that the backend has begun to read never ends there', () => {
  /** Sends the head and the beginning, waits until the backend has a part of it, then sends the rest; returns the answer. */
  async function split(fields: string, first: string, rest: string): Promise<string> {
    const client = await openClient(rig.proxy.port);
    client.write(`${head(fields)}${first}`);
    await until(() => rig.upstream.connections.some(({ octets }) => octets > 1_000), 'the beginning at the backend');
    client.write(rest);
    return outcome(client.answer());
  }

  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  const chunked = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n';

  test('with a length: the last byte stays out', async () => {
    const fields = `Content-Type: application/json\r\nContent-Length: ${LONG.length + 1}\r\n`;
    expect(await split(fields, LONG, ' ')).toBe('400 json_malformed');
    await until(() => rig.upstream.open === 0, 'the cut');
    expect(rig.upstream.requests).toEqual([]);
  });

  test('in chunks: the last chunk stays out', async () => {
    expect(await split(chunked, chunk(LONG), '0\r\n\r\n')).toBe('400 json_malformed');
    await until(() => rig.upstream.open === 0, 'the cut');
    expect([rig.upstream.requests, received().endsWith('0\r\n\r\n')]).toEqual([[], false]);
  });

  test('with a bomb behind it', async () => {
    expect(await split(chunked, chunk(LONG), chunk(`,"b":${'['.repeat(50)}`))).toBe('400 json_limit_exceeded');
    expect(received()).not.toContain('[[');
  });

  test('beyond the size, counted while it streams', async () => {
    const fields = 'Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n';
    expect(await split(fields, chunk('x'.repeat(1_500_000)), chunk('y'.repeat(1_000_000)))).toBe('413 request_body_too_large');
    await until(() => rig.upstream.open === 0, 'the cut');
    expect(rig.upstream.requests).toEqual([]);
  });

  test('over HTTP/2: the stream ends with the answer, and others go on', async () => {
    const session = openSession(rig.proxy.port);
    const fields = { ':method': 'POST', 'content-type': 'application/json' };
    const stream = openStream(session, fields, false);
    const answer = answerOf(stream);
    stream.write(LONG);
    await until(() => rig.upstream.connections.some(({ octets }) => octets > 1_000), 'the beginning at the backend');
    stream.end();
    const { status: refused, body } = await answer;
    expect([refused, body.toString()]).toEqual([400, expect.stringContaining('json_malformed')]);
    expect(rig.upstream.requests).toEqual([]);
    const other = openStream(session, fields, false);
    const good = answerOf(other);
    other.end('{"a":1}');
    expect((await good).status).toBe(200);
  });
});

test('a refused body is kept for no mirror', async () => {
  const own = await SecurityRig.start([LIMITS], {
    filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' } } }],
  });
  const ask = (body: string) => own.ask(`${head(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`)}${body}`);
  expect(status(await ask('{"a":[1,2'))).toBe(400);
  expect(status(await ask('{"a":[1]}'))).toBe(200);
  await own.upstream.request(2);
  expect(own.upstream.requests.map(({ body }) => body)).toEqual(['{"a":[1]}', '{"a":[1]}']);
});

test('the nearer policy wins field by field, and a change applies to the next request', async () => {
  const gateway = securityPolicy('wide', { requestLimits: { json: { depth: 1, elements: 2 } } }, { kind: 'Gateway', name: 'gw' });
  const near = securityPolicy('limits', { requestLimits: { json: { depth: 2 } } });
  await rig.change([near, gateway]);
  expect(await outcome(post('[[1]]'))).toBe('200');
  expect(await outcome(post('[[[1]]]'))).toBe('400 json_limit_exceeded');
  expect(await outcome(post('[1,2,3]'))).toBe('400 json_limit_exceeded');
  await rig.change([], [near, gateway, manifest('SecurityPolicy', 'limits', {})]);
  expect(await outcome(post('[1,2,{'))).toBe('200');
});

test('an answer tells nothing of the body', async () => {
  const answer = await post('{"secret":"value","secret":1}');
  expect(header(answer, 'content-type')).toBe('application/problem+json');
  expect(answer.body).not.toContain('secret');
});
