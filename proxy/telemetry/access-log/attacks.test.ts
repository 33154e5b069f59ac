// Attacks by clients and peers on the access log: a line stays one line with its fields, valid UTF-8, and as long as one write.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LOG_FIELDS } from '#api/access-log/fields.ts';
import { parseFormat } from '#api/access-log/format.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import { Exchange } from '../../exchange/exchange.ts';
import { LineMaker } from './line-maker.ts';
import { WRITE_BYTES } from './line.ts';

/** Texts under the control of clients and peers. */
interface Chosen {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly header: string;
  readonly detail: string;
}

const HOSTILE = [
  '"}\n{"status":200,"x":"',
  '\r\n127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 0',
  '\\',
  '\\"',
  '"',
  '\u0000\u0007\u001b[2J\u001b]0;title\u0007',
  '\u007f\u0080\u0085\u009b31m\u009f',
  '\u2028\u2029',
  '\ud800',
  '\udfff\ud800',
  '\ud83d\ude00',
  '\u00ff\u00fe\u00c3\u0028',
  ' - - - ',
  '%{path} %s %n ${jndi:ldap://a}',
  '"'.repeat(5_000),
  '\u0001'.repeat(5_000),
  '\ud83d\ude00'.repeat(5_000),
];

const TLS = {
  ...{ serverName: 'a', version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'h2', vouches: () => true },
  clientCertificate: {
    ...{ subject: '', subjectAltName: '', issuer: '', serialNumber: '1', fingerprint: 'f'.repeat(64), verified: false },
    problem: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    names: { subject: '', dnsNames: [], uris: [], fingerprint: '' },
    validTo: 0,
    raw: Buffer.alloc(0),
    issuerCertificate: () => null,
  },
};

function exchangeOf({ method, authority, path, header, detail }: Chosen): Exchange {
  const clientCertificate = { ...TLS.clientCertificate, subject: header, subjectAltName: header };
  const connection = { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '', localPort: 80, protocol: 'http/1.1' } as const;
  const exchange = new Exchange({ ...connection, tls: { ...TLS, serverName: authority, clientCertificate } }, {} as never, 0);
  const requestHeaders = ['user-agent', header, 'referer', header, 'x-forwarded-for', header, 'x-request-id', header, 'x-a', header];
  return Object.assign(exchange, {
    ...{ method, requestedAuthority: authority, requestedPath: path, requestHeaders, responseHeaders: ['x-b', header], status: 200 },
    error: withDetail(ERRORS.upstreamReset, detail),
  });
}

function makerOf(format: string, fields = ''): LineMaker {
  const parsed = parseFormat(format, fields);
  if (!parsed.ok) throw new Error(parsed.error);
  return new LineMaker(parsed.value);
}

function lineOf(maker: LineMaker, chosen: Chosen): string {
  const exchange = exchangeOf(chosen);
  maker.started(exchange);
  return maker.request(exchange, 1);
}

function expectOneLine(line: string): void {
  expect(line.indexOf('\n')).toBe(line.length - 1);
  // No line breaks of Unicode and no control characters of terminals.
  expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  expect(line.isWellFormed()).toBe(true);
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(WRITE_BYTES);
}

const anything = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 600 }), fc.string({ maxLength: 50 }));
const chosen = fc.record({ method: anything, authority: anything, path: anything, header: anything, detail: anything });
const ALL = [...LOG_FIELDS.map(({ name }) => name), 'requestHeader.x-a', 'responseHeader.x-b'];

describe.each([
  ['the usual fields', ''],
  ['all fields', ALL.join(',')],
  ['fields without the time', 'path,userAgent,requestId'],
])('JSON of %s', (_, fields) => {
  test('is one object with known names and whole values', () => {
    const maker = makerOf('json', fields);
    const check = (values: Chosen): void => {
      const line = lineOf(maker, values);
      expectOneLine(line);
      const parsed = JSON.parse(line) as Record<string, unknown>;
      expect(ALL).toEqual(expect.arrayContaining(Object.keys(parsed)));
      if (fields !== 'path,userAgent,requestId') expect(parsed['status']).toBe(200);
    };
    for (const text of HOSTILE) check({ method: text, authority: text, path: text, header: text, detail: text });
    fc.assert(fc.property(chosen, check), { numRuns: 300 });
  });
});

describe('templates', () => {
  test('keep their columns, in quotes and out of them', () => {
    const maker = makerOf('%{method} %{path} "%{userAgent}" %{status} %{referer}');
    const check = (values: Chosen): void => {
      const line = lineOf(maker, values);
      expectOneLine(line);
      expect(line).toMatch(/^[^ "]+ [^ "]+ "(?:[^"\\]|\\.)*" 200 [^ "]+\n$/);
    };
    const column = (text: string): string => text.replaceAll('"', '');
    const bare = (values: Chosen): Chosen => ({
      ...values,
      method: column(values.method),
      path: column(values.path),
      header: column(values.header),
    });
    for (const text of HOSTILE) check(bare({ method: text, authority: text, path: text, header: text, detail: text }));
    fc.assert(
      fc.property(chosen, (values) => check(bare(values))),
      { numRuns: 300 },
    );
  });

  test.each(['common', 'combined', '%{userAgent}'.repeat(64), `${'"%{clientFingerprint}"'.repeat(40)}`])('%s stay one line', (format) => {
    const maker = makerOf(format);
    for (const text of HOSTILE) expectOneLine(lineOf(maker, { method: text, authority: text, path: text, header: text, detail: text }));
    fc.assert(
      fc.property(chosen, (values) => expectOneLine(lineOf(maker, values))),
      { numRuns: 100 },
    );
  });

  test('escape as nginx and Apache do', () => {
    const maker = makerOf('%{path} "%{userAgent}"');
    const values = { method: 'GET', authority: 'a', path: '/a b"\\\u001b', header: 'a b"\\\u001b\u009b', detail: '' };
    expect(lineOf(maker, values)).toBe('/a\\x20b\\"\\\\\\x1b "a b\\"\\\\\\x1b\\x9b"\n');
  });
});

test('the greatest number of headers fits one line', () => {
  const names = Array.from({ length: 64 }, (_, i) => `x-${String(i).padStart(2, '0')}${'a'.repeat(14)}`);
  const maker = makerOf('json', names.map((name) => `requestHeader.${name}`).join());
  for (const text of HOSTILE) {
    const exchange = exchangeOf({ method: text, authority: text, path: text, header: text, detail: text });
    exchange.requestHeaders = names.flatMap((name) => [name, text]);
    maker.started(exchange);
    const line = maker.request(exchange, 1);
    expectOneLine(line);
    expect(Object.keys(JSON.parse(line) as object)).toHaveLength(64);
  }
});

test('a value of one line is not in the next', () => {
  const maker = makerOf('json');
  const values = { method: 'GET', authority: 'a', path: '/', header: 'first', detail: 'x' };
  expect(lineOf(maker, values)).toContain('first');
  const next = lineOf(maker, { ...values, header: '', detail: '' });
  expect(next).not.toContain('first');
  expect(JSON.parse(next)).not.toHaveProperty('userAgent');
});
