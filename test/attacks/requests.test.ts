// Requests that must be refused, byte by byte: checks the status, the end of the connection, and that the backend gets no request. Similar
// valid requests must reach the backend with exact bytes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { header, status } from '../support/message.ts';
import { startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok, RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

let upstream: RawUpstream;
let proxy: Proxy;
beforeAll(async () => {
  upstream = await RawUpstream.start(ok('hello'));
  proxy = await startProxy(toUpstream(upstream.port), { requestHeadTimeout: 300, requestBodyIdleTimeout: 300, downstreamIdleTimeout: 300 });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const get = (lines: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (lines: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);

type Row = readonly [what: string, bytes: string, status: number];

const LINES: readonly Row[] = [
  ['bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 400],
  ['bare LF after a header', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n', 400],
  ['bare LF everywhere', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['bare LF before the end of the head arrives', 'GET / HTTP/1.1\nHost', 400],
  ['bare CR after the request line', 'GET / HTTP/1.1\rHost: a\r\n\r\n', 400],
  ['bare CR in a value', get('X: a\rb\r\n'), 400],
  ['bare CR that hides a header', get('X: a\rContent-Length: 5\r\n'), 400],
  ['bare CR at the end of a value', get('X: a\r\r\n'), 400],
  ['CR CR LF at the end of a line', 'GET / HTTP/1.1\r\r\nHost: a\r\n\r\n', 400],
  ['a head that ends with CRLF CR X', 'GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n', 400],
  ['a head that ends with LF CR LF', 'GET / HTTP/1.1\r\nHost: a\n\r\n', 400],
  ['vertical tab as a line end', 'GET / HTTP/1.1\x0bHost: a\r\n\r\n', 400],
  ['NEL as a line end', 'GET / HTTP/1.1\x85Host: a\r\n\r\n', 400],
  ['two empty lines before the request', '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['LF before the request', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['CR before the request', '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
];

const REQUEST_LINES: readonly Row[] = [
  ['no version', 'GET /\r\nHost: a\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400],
  ['no target', 'GET HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an empty target', 'GET  HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['two spaces after the method', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['two spaces before the version', 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a tab for a space', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a space before the method', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a space after the version', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400],
  ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a second request line in the target', 'GET / HTTP/1.1\r\nHost: a\r\nGET /admin HTTP/1.1\r\n\r\n', 400],
  ['a tab in the target', 'GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['NUL in the target', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['DEL in the target', 'GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a byte above 127 in the target', 'GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a fragment in the target', 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a backslash in the target', 'GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a target without a slash', 'GET a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an escape that is none', 'GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an escaped NUL', 'GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an escaped LF', 'GET /a%0ab HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a path above the root', 'GET /../a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an escaped path above the root', 'GET /%2e%2e/a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a method that is no token', 'G(T / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a method with a colon', 'GET: / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a method of 33 characters', `${'M'.repeat(33)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 400],
  ['a quoted method', '"GET" / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['the preface of HTTP/2 after an empty line', '\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['HTTP/1.10', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n', 400],
  ['HTTP/1.32', 'GET / HTTP/1.32\r\nHost: a\r\n\r\n', 400],
  ['HTTP/257.1, 1.1 in eight bits', 'GET / HTTP/257.1\r\nHost: a\r\n\r\n', 400],
  ['HTTP/1.1 in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400],
  ['HTTP/01.1', 'GET / HTTP/01.1\r\nHost: a\r\n\r\n', 400],
  ['HTTP/1,1', 'GET / HTTP/1,1\r\nHost: a\r\n\r\n', 400],
  ['HTTP/ without a version', 'GET / HTTP/\r\nHost: a\r\n\r\n', 400],
  ['HTTPS/1.1', 'GET / HTTPS/1.1\r\nHost: a\r\n\r\n', 400],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501],
  ['CONNECT to an address', 'CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n', 501],
  ['CONNECT without a port', 'CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['CONNECT with an empty port', 'CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['CONNECT with a URL', 'CONNECT http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['CONNECT with a path', 'CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['* for GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['* with more for OPTIONS', 'OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a target of 8,193 bytes', `GET /${'a'.repeat(8_192)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['a target that does not end', `GET /${'a'.repeat(40_000)}`, 414],
];

const HOSTS: readonly Row[] = [
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['the same Host twice', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
  ['two Hosts in one', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
  ['Host with user information', 'GET / HTTP/1.1\r\nHost: user@a\r\n\r\n', 400],
  ['Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['Host with a scheme', 'GET / HTTP/1.1\r\nHost: http://a\r\n\r\n', 400],
  ['Host with a port that is none', 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', 400],
  ['Host with a port above 65535', 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n', 400],
  ['Host with a space', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
  ['Host with a NUL', 'GET / HTTP/1.1\r\nHost: a\0\r\n\r\n', 400],
  ['Host with a query', 'GET / HTTP/1.1\r\nHost: a?b\r\n\r\n', 400],
  ['Host with an escape', 'GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n', 400],
  ['Host with an open bracket', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', 400],
  ['Host with an empty label', 'GET / HTTP/1.1\r\nHost: a..b\r\n\r\n', 400],
  ['an absolute target and a Host that is none', 'GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['an absolute target and two Hosts', 'GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
  ['an absolute target with user information', 'GET http://a@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target of another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target without a host', 'GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an absolute target without Host', 'GET http://a/ HTTP/1.1\r\n\r\n', 400],
  ['a target that begins with // and a host', 'GET http:a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
];

const HEADERS: readonly Row[] = [
  ['a space before the colon', get('X : a\r\n'), 400],
  ['a tab before the colon', get('X\t: a\r\n'), 400],
  ['a space before the colon of Content-Length', post('Content-Length : 5\r\n', 'hello'), 400],
  ['a line folded with a space', get('X: a\r\n b\r\n'), 400],
  ['a line folded with a tab', get('X: a\r\n\tb\r\n'), 400],
  ['a space before the first header', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 400],
  ['a tab before the first header', 'GET / HTTP/1.1\r\n\tX: b\r\nHost: a\r\n\r\n', 400],
  ['an empty name', get(': a\r\n'), 400],
  ['no colon', get('X\r\n'), 400],
  ['a name with a space', get('X Y: a\r\n'), 400],
  ['a name with a parenthesis', get('X(: a\r\n'), 400],
  ['a name with a NUL', get('X\0: a\r\n'), 400],
  ['a name with a byte above 127', get('X\xff: a\r\n'), 400],
  ['NBSP after a name', get('Transfer-Encoding\xa0: chunked\r\n'), 400],
  ['a vertical tab after a name', get('X\x0b: a\r\n'), 400],
  ['a quoted name', get('"X": a\r\n'), 400],
  ['a name with a slash', get('X/Y: a\r\n'), 400],
  ['NUL in a value', get('X: a\0b\r\n'), 400],
  ['a control character in a value', get('X: a\x01b\r\n'), 400],
  ['a form feed in a value', get('X: \x0ca\r\n'), 400],
  ['DEL in a value', get('X: a\x7f\r\n'), 400],
  ['ESC in a value', get('X: \x1b[31m\r\n'), 400],
  ['129 headers', get('X: a\r\n'.repeat(129)), 431],
  ['a header of 33 KiB', get(`X: ${'a'.repeat(33_000)}\r\n`), 431],
  ['headers that do not end', `GET / HTTP/1.1\r\nHost: a\r\n${'X: abcdefgh\r\n'.repeat(4_000)}`, 431],
  ['Connection with 33 names', get(`Connection: ${Array.from({ length: 33 }, (_, i) => `x${i}`).join(',')}\r\n`), 431],
  ['content_length for CGI', post('Content_Length: 5\r\n'), 400],
  ['transfer_encoding for CGI', post('Transfer_Encoding: chunked\r\n'), 400],
  ['an expectation that is unknown', post('Content-Length: 5\r\nExpect: 200-ok\r\n', 'hello'), 417],
  ['an expectation with a prefix', post('Content-Length: 5\r\nExpect: y 100-continue\r\n', 'hello'), 417],
  ['two expectations', post('Content-Length: 5\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n', 'hello'), 417],
  ['an expectation of a GET', get('Expect: something\r\n'), 417],
];

const LENGTHS: readonly Row[] = [
  ['empty', '', 400],
  ['negative', '-1', 400],
  ['with a plus', '+5', 400],
  ['hexadecimal', '0x5', 400],
  ['with an underscore', '1_0', 400],
  ['a fraction', '5.0', 400],
  ['with an exponent', '5e0', 400],
  ['a list of equals', '5,5', 400],
  ['a list with a space', '5, 5', 400],
  ['a list of others', '5, 6', 400],
  ['two numbers', '5 5', 400],
  ['quoted', '"5"', 400],
  ['a word', 'five', 400],
  ['above 2^53', '9007199254740993', 400],
  ['above 2^64', '18446744073709551621', 400],
  ['NBSP after the number', '5\xa0', 400],
  ['NBSP before the number', '\xa05', 400],
  ['Arabic digits', '\xd9\xa5', 400],
  ['a chunk size', 'a', 400],
  ['a semicolon', '5;', 400],
].map(([what, value, code]) => [`a Content-Length that is ${what}`, post(`Content-Length: ${value}\r\n`, 'hello'), code] as Row);

const FRAMING: readonly Row[] = [
  ['two Content-Lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'), 400],
  ['two equal Content-Lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400],
  ['two Content-Lengths spelt differently', post('Content-Length: 5\r\ncontent-length: 5\r\n', 'hello'), 400],
  ['Content-Length and Transfer-Encoding', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['Transfer-Encoding and Content-Length', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'), 400],
  ['Transfer-Encoding and a Content-Length of 0', post('Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', '0\r\n\r\n'), 400],
  ['two Transfer-Encodings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['chunked and identity in two lines', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'), 400],
  ['identity and chunked in two lines', post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 501],
  ['Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
];

const CODINGS: readonly Row[] = [
  ['identity', 501],
  ['gzip', 501],
  ['cow', 501],
  ['xchunked', 501],
  ['gzip, chunked', 501],
  ['gzip,chunked', 501],
  ['gzip \t,\t CHUNKED', 501],
  ['x-a;q=1 ; b = c, gzip, chunked', 501],
  ['gzip, deflate', 501],
  ['gzip;q="chunked"', 400],
  ['gzip, chunked;a=b', 400],
  ['chunked, gzip, chunked', 400],
  ['gzip, chunked, chunked', 400],
  ['gzip,, chunked', 400],
  ['gzip, chunked,', 400],
  ['gzip;, chunked', 400],
  ['gzip chunked', 400],
  ['gzip, \xa0chunked', 400],
  ['chunked, gzip', 400],
  ['chunked, chunked', 400],
  ['chunked,', 400],
  [',chunked', 400],
  [', chunked', 400],
  ['chunked;a=b', 400],
  ['"chunked"', 400],
  ["'chunked'", 501],
  ['chunked\xa0', 400],
  ['\xa0chunked', 400],
  ['\x0bchunked', 400],
  ['chunked\0', 400],
  ['chunked identity', 400],
  ['chun ked', 400],
  ['', 400],
].map(
  ([value, code]) => [`Transfer-Encoding: ${JSON.stringify(value)}`, post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'), code] as Row,
);

async function refused(bytes: string, code: number): Promise<void> {
  const client = await RawClient.connect(proxy.port);
  client.write(bytes);
  const answer = await client.answer();
  expect([status(answer), header(answer, 'connection'), header(answer, 'content-type')]).toEqual([
    code,
    'close',
    'application/problem+json',
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({ status: code });
  await client.over();
  expect(client.received).toBe('');
  client.destroy();
  expect(upstream.connections).toEqual([]);
}

describe('refused, and the backend gets no request', () => {
  describe('line ends', () => test.each(LINES)('%s', (_, bytes, code) => refused(bytes, code)));
  describe('request lines', () => test.each(REQUEST_LINES)('%s', (_, bytes, code) => refused(bytes, code)));
  describe('Host', () => test.each(HOSTS)('%s', (_, bytes, code) => refused(bytes, code)));
  describe('headers', () => test.each(HEADERS)('%s', (_, bytes, code) => refused(bytes, code)));
  describe('Content-Length', () => test.each(LENGTHS)('%s', (_, bytes, code) => refused(bytes, code)));
  describe('framing', () => test.each([...FRAMING, ...CODINGS])('%s', (_, bytes, code) => refused(bytes, code)));

  test.each([
    ['half a request line', 'GET / HT'],
    ['a head without its end', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['a head that ends with CRLF CR', 'GET / HTTP/1.1\r\nHost: a\r\n\r'],
    ['an HTTP/0.9 request line alone', 'GET /\r\n'],
  ])('%s is waited for, and not for ever', (_, bytes) => refused(bytes, 408));

  test.each([
    ['nothing', ''],
    ['an empty line', '\r\n'],
    ['half an empty line', '\r'],
  ])('a connection that sends %s is closed without a word', async (_, bytes) => {
    const client = await RawClient.connect(proxy.port);
    client.write(bytes);
    await client.over();
    expect([client.octets, upstream.connections.length]).toEqual([0, 0]);
    client.destroy();
  });
});

/** Requests refused after the body began: the backend may get the head, but never a complete request. */
const CHUNKS: readonly (readonly [string, string])[] = [
  ['a sign before the size', '+5\r\nhello\r\n0\r\n\r\n'],
  ['a minus before the size', '-5\r\nhello\r\n0\r\n\r\n'],
  ['0x before the size', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['a space before the size', ' 5\r\nhello\r\n0\r\n\r\n'],
  ['a space after the size', '5 \r\nhello\r\n0\r\n\r\n'],
  ['a tab after the size', '5\t\r\nhello\r\n0\r\n\r\n'],
  ['a space and more after the size', '5 a\r\nhello\r\n0\r\n\r\n'],
  ['a space, an extension and LF', '5 ;a\nhello\r\n0\r\n\r\n'],
  ['blanks before an extension that do not end', `5${' '.repeat(300)};a\r\nhello\r\n0\r\n\r\n`],
  ['a space within the size', '1 0;a\r\nhello\r\n0\r\n\r\n'],
  ['a space before the size and an extension', ' 5;a\r\nhello\r\n0\r\n\r\n'],
  ['an underscore in the size', '0_5\r\nhello\r\n0\r\n\r\n'],
  ['no size', '\r\nhello\r\n0\r\n\r\n'],
  ['an extension without a size', ';a\r\nhello\r\n0\r\n\r\n'],
  ['a size that is no number', 'g\r\nhello\r\n0\r\n\r\n'],
  ['a size above 2^48', '1000000000000\r\nhello\r\n0\r\n\r\n'],
  ['a size above 2^64', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
  ['LF after the size', '5\nhello\r\n0\r\n\r\n'],
  ['CR after the size', '5\rhello\r\n0\r\n\r\n'],
  ['CR CR LF after the size', '5\r\r\nhello\r\n0\r\n\r\n'],
  ['LF after the data', '5\r\nhello\n0\r\n\r\n'],
  ['CR after the data', '5\r\nhello\r0\r\n\r\n'],
  ['nothing after the data', '5\r\nhello0\r\n\r\n'],
  ['more data than the size', '5\r\nhello!\r\n0\r\n\r\n'],
  ['less data than the size', '5\r\nhell\r\n0\r\n\r\n'],
  ['an empty line before the last chunk', '5\r\nhello\r\n\r\n0\r\n\r\n'],
  ['LF after the last chunk', '5\r\nhello\r\n0\n\r\n'],
  ['LF in an extension', '5;a\nb\r\nhello\r\n0\r\n\r\n'],
  ['CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
  ['NUL in an extension', '5;a\0\r\nhello\r\n0\r\n\r\n'],
  ['an extension of 300 bytes', `5;${'a'.repeat(300)}\r\nhello\r\n0\r\n\r\n`],
  ['an extension that does not end', `5;${'a'.repeat(5_000)}`],
  ['LF at the end of the trailers', '0\r\n\n'],
  ['a trailer without a colon', '0\r\nabc\r\n\r\n'],
  ['a trailer with a space before the colon', '0\r\nX : a\r\n\r\n'],
  ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n'],
  ['a trailer that ends with LF', '0\r\nX: a\n\r\n'],
  ['a trailer with a bare CR', '0\r\nX: a\rb\r\n\r\n'],
  ['a trailer with a NUL', '0\r\nX: a\0\r\n\r\n'],
  ['a trailer of 33 KiB', `0\r\nX: ${'a'.repeat(33_000)}\r\n\r\n`],
  ['129 trailers', `0\r\n${'X: a\r\n'.repeat(129)}\r\n`],
];

describe('chunks', () => {
  test.each(CHUNKS)('%s: refused, and the backend gets no whole request', async (_, body) => {
    upstream.forget();
    const client = await RawClient.connect(proxy.port);
    const answer = await client.ask(chunked(body));
    expect([status(answer), header(answer, 'connection')]).toEqual([400, 'close']);
    await client.over();
    client.destroy();
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
    expect(upstream.requests).toEqual([]);
  });

  test('a body that stops is waited for, and not for ever', async () => {
    upstream.forget();
    const client = await RawClient.connect(proxy.port);
    expect(status(await client.ask(chunked('5\r\nhel')))).toBe(408);
    client.destroy();
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
    expect(upstream.requests).toEqual([]);
  });
});

const X = 'x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n';
/** The request at the backend: its line, headers in order, headers that the proxy adds, framing last. */
const seen = (line: string, headers = '', framing = '', host = 'a'): string =>
  `${line} HTTP/1.1\r\nhost: ${host}\r\n${headers}${X}x-forwarded-host: ${host}\r\n${framing}\r\n`;
const CHUNKED = 'transfer-encoding: chunked\r\n';

const ACCEPTED: readonly (readonly [what: string, bytes: string, upstream: string])[] = [
  ['a plain request', get(''), seen('GET /')],
  ['an empty line before the request', `\r\n${get('')}`, seen('GET /')],
  ['names in any case', get('X-A: b\r\nACCEPT: c\r\n'), seen('GET /', 'x-a: b\r\naccept: c\r\n')],
  ['blanks around values', get('X: \t a b \t\r\n'), seen('GET /', 'x: a b\r\n')],
  ['an empty value', get('X:\r\n'), seen('GET /', 'x: \r\n')],
  ['NBSP and NEL at the ends of a value', get('X: \xa0a\x85\r\n'), seen('GET /', 'x: \xa0a\x85\r\n')],
  ['a header named __proto__', get('__proto__: a\r\nconstructor: b\r\n'), seen('GET /', '__proto__: a\r\nconstructor: b\r\n')],
  ['a header twice', get('X: a\r\nX: b\r\n'), seen('GET /', 'x: a\r\nx: b\r\n')],
  ['an unknown method', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', seen('BREW /')],
  ['a path that is not normal', 'GET /a/../%62/./c?d=../e HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET /b/c?d=../e')],
  ['a path with //', 'GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET //a//b')],
  ['a query that is empty', 'GET /? HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET /?')],
  ['an absolute target', 'GET http://A/b?c HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET /b?c', '', '', 'A')],
  ['an absolute target with the port of its scheme', 'GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET /', '', '', 'a:80')],
  ['an absolute target of another port than Host', 'GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET /', '', '', 'a:81')],
  ['an absolute target of another host than Host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET /', '', '', 'b')],
  ['an absolute target beside an empty Host', 'GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n', seen('GET /')],
  ['an absolute target in HTTP/1.0 without Host', 'GET http://a/ HTTP/1.0\r\n\r\n', seen('GET /')],
  ['an absolute target without a path', 'GET http://a HTTP/1.1\r\nHost: a\r\n\r\n', seen('GET /')],
  ['a body with a length', post('Content-Length: 5\r\n', 'hello'), `${seen('POST /', '', 'content-length: 5\r\n')}hello`],
  ['a length with zeros', post('Content-Length: 005\r\n', 'hello'), `${seen('POST /', '', 'content-length: 5\r\n')}hello`],
  ['a POST without a body', post(''), seen('POST /', '', 'content-length: 0\r\n')],
  ['a GET with a body', get('Content-Length: 2\r\n') + 'hi', `${seen('GET /', '', 'content-length: 2\r\n')}hi`],
  ['a body in chunks', chunked('5\r\nhello\r\n0\r\n\r\n'), `${seen('POST /', '', CHUNKED)}5\r\nhello\r\n0\r\n\r\n`],
  ['a coding in any case', post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'), `${seen('POST /', '', CHUNKED)}0\r\n\r\n`],
  ['extensions, which are dropped', chunked('5;a="b;c"\r\nhello\r\n0;d\r\n\r\n'), `${seen('POST /', '', CHUNKED)}5\r\nhello\r\n0\r\n\r\n`],
  [
    'blanks before an extension, which are bad and mean nothing',
    chunked('5 ;a\r\nhello\r\n0\t ; b = c\r\n\r\n'),
    `${seen('POST /', '', CHUNKED)}5\r\nhello\r\n0\r\n\r\n`,
  ],
  ['zeros before a size', chunked('0005\r\nhello\r\n000\r\n\r\n'), `${seen('POST /', '', CHUNKED)}5\r\nhello\r\n0\r\n\r\n`],
  ['trailers', chunked('0\r\nX-Sum: 1 \r\n\r\n'), `${seen('POST /', '', CHUNKED)}0\r\nx-sum: 1\r\n\r\n`],
  [
    'trailers that must not be trailers, which are dropped',
    chunked('0\r\nContent-Length: 5\r\nHost: b\r\nTransfer-Encoding: x\r\nAuthorization: y\r\nX-Forwarded-For: z\r\nSet-Cookie: a\r\n\r\n'),
    `${seen('POST /', '', CHUNKED)}0\r\n\r\n`,
  ],
  [
    'headers of the connection, which are dropped',
    get('Connection: close, X-Hop\r\nX-Hop: a\r\nKeep-Alive: b\r\nProxy-Connection: c\r\nX: d\r\n'),
    seen('GET /', 'x: d\r\n'),
  ],
  [
    'headers that Connection must not drop',
    get('Connection: Authorization, Cookie, X-Forwarded-For, Host, Content-Type\r\nAuthorization: a\r\nCookie: b\r\nContent-Type: c\r\n'),
    seen('GET /', 'authorization: a\r\ncookie: b\r\ncontent-type: c\r\n'),
  ],
  [
    'what a client says of itself, which is replaced',
    get(
      'X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6\r\nX-Real-IP: 6\r\nX-Forwarded-Host: b\r\nX-Forwarded-Proto: https\r\n' +
        'X-Forwarded-Prefix: /p\r\nX_Forwarded_For: 6\r\nX-Forwarded_For: 6\r\nX_Real-IP: 6\r\nX: y\r\n',
    ),
    seen('GET /', 'x: y\r\n'),
  ],
  ['h2c, which is ignored', get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n'), seen('GET /')],
  ['h2c among others, which is ignored', get('Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n'), seen('GET /')],
  ['two Upgrades, which are ignored', get('Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n'), seen('GET /')],
  [
    'an upgrade with a body, which is no upgrade',
    post('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n', 'hi'),
    `${seen('POST /', '', 'content-length: 2\r\n')}hi`,
  ],
  ['Upgrade without Connection', get('Upgrade: websocket\r\n'), seen('GET /')],
  ['TE: trailers', get('TE: trailers\r\n'), seen('GET /', 'te: trailers\r\n')],
  ['TE with more', get('TE: gzip\r\n'), seen('GET /')],
  ['an expectation without a body', get('Expect: 100-continue\r\n'), seen('GET /')],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', seen('GET /')],
  ['an expectation in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nExpect: x\r\n\r\n', seen('GET /')],
  ['128 headers', get('X: a\r\n'.repeat(128)), seen('GET /', 'x: a\r\n'.repeat(128))],
  ['a target of 8,192 bytes', `GET /${'a'.repeat(8_191)} HTTP/1.1\r\nHost: a\r\n\r\n`, seen(`GET /${'a'.repeat(8_191)}`)],
];

describe('accepted, and the backend sees exactly this', () => {
  test.each(ACCEPTED)('%s', async (_, bytes, expected) => {
    upstream.forget();
    const before = upstream.requests.length;
    const client = await RawClient.connect(proxy.port);
    const answer = await client.ask(bytes);
    expect([status(answer), answer.body]).toEqual([200, 'hello']);
    expect(upstream.requests.slice(before).map(({ raw }) => raw)).toEqual([expected]);
    client.destroy();
  });

  test('a second request hidden in a body stays a body', async () => {
    upstream.forget();
    const before = upstream.requests.length;
    const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
    const client = await RawClient.connect(proxy.port);
    await client.ask(post(`Content-Length: ${hidden.length}\r\n`, hidden));
    await client.ask(chunked(`${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`));
    expect(upstream.requests.slice(before).map(({ body }) => body)).toEqual([hidden, hidden]);
    client.destroy();
  });

  test('garbage after a body is refused after the answer, in order', async () => {
    upstream.forget();
    const before = upstream.requests.length;
    const client = await RawClient.connect(proxy.port);
    client.write(post('Content-Length: 5\r\n', 'helloXGARBAGE\r\n\r\n'));
    expect(status(await client.answer())).toBe(200);
    expect(status(await client.answer())).toBe(400);
    await client.over();
    expect(upstream.requests.length - before).toBe(1);
    client.destroy();
  });
});

describe('a request of another protocol is closed without an answer, and counted', () => {
  test.each([
    ['RTSP', 'OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n'],
    ['SIP', 'INVITE sip:b@a SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n'],
    ['a broken preface of HTTP/2', 'INVALID CONNECTION PREFACE\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    upstream.forget();
    const before = upstream.requests.length;
    const client = await RawClient.connect(proxy.port);
    client.write(bytes);
    await client.over();
    expect([client.received, upstream.requests.length - before]).toEqual(['', 0]);
    client.destroy();
  });
});
