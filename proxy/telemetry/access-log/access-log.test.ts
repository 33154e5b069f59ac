import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../../../test/support/fixture.ts';
import { LISTENER_PORT, toUpstream } from '../../../test/support/proxy.ts';
import { until } from '../../../test/support/until.ts';
import { Exchange } from '../../exchange/exchange.ts';
import { DEFAULT_LIMITS } from '../../exchange/limits.ts';
import { Worker } from '../../worker.ts';
import { AccessLog } from './access-log.ts';
import { LineMaker } from './line-maker.ts';
import { parseFormat } from '#api/access-log/format.ts';

const CONNECTION = {
  remoteAddress: '192.0.2.1',
  remotePort: 1,
  localAddress: '',
  localPort: 80,
  protocol: 'http/1.1',
  tls: null,
} as const;

const CLIENT = {
  subject: 'CN=alice',
  subjectAltName: 'URI:spiffe://test/alice',
  issuer: 'CN=ca',
  serialNumber: '1F',
  fingerprint: 'f'.repeat(64),
  verified: false,
  problem: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  names: { subject: 'CN=alice', dnsNames: [], uris: ['spiffe://test/alice'], fingerprint: 'f'.repeat(64) },
  validTo: 0,
  raw: Buffer.alloc(0),
  issuerCertificate: () => null,
};

closeAfterEach();

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The line of an exchange in a format. */
function lineOf(exchange: Exchange, format = 'json', fields = ''): string {
  const parsed = parseFormat(format, fields);
  if (!parsed.ok) throw new Error(parsed.error);
  const lines = new LineMaker(parsed.value);
  lines.started(exchange);
  return lines.request(exchange, 1);
}

function exchangeOf(fields: Partial<Exchange>): Exchange {
  return Object.assign(new Exchange(CONNECTION, {} as never, 0), fields);
}

describe('a line', () => {
  test('is one line of JSON for any text of a client', () => {
    const hostile = '"}\n\r\t\u0000\u001b[31m\u2028\u009f\\';
    const line = lineOf(
      exchangeOf({ method: hostile, requestedAuthority: hostile, requestedPath: hostile, requestHeaders: ['user-agent', hostile] }),
    );
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}]/u);
    const logged = hostile.replace('\u009f', '\ufffd');
    expect(JSON.parse(line)).toMatchObject({ method: logged, authority: logged, path: logged, userAgent: logged });
  });

  test('has the status of a call', () => {
    expect(JSON.parse(lineOf(exchangeOf({ grpc: true, status: 200, grpcStatus: 14 })))).toMatchObject({
      status: 200,
      grpcStatus: 14,
    });
    expect(JSON.parse(lineOf(exchangeOf({ status: 200 })))).not.toHaveProperty('grpcStatus');
  });

  test('fits one write to a pipe at the greatest length', () => {
    const long = '"'.repeat(70_000);
    const listener = `${'n'.repeat(63)}/${'g'.repeat(253)}/${'l'.repeat(253)}`;
    const route = { key: `HTTPRoute/${'n'.repeat(63)}/${'r'.repeat(253)}/15` } as Exchange['route'];
    const line = lineOf(
      exchangeOf({
        method: long,
        requestedAuthority: 'a'.repeat(9_000),
        requestedPath: long,
        requestHeaders: ['user-agent', long],
        listener,
        route,
      }),
    );
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4_096);
    expect(JSON.parse(line).path).toBe(`${'"'.repeat(512)}...`);
  });

  test('fits one write with a client certificate too', () => {
    const long = '"'.repeat(70_000);
    const clientCertificate = { ...CLIENT, subject: long, subjectAltName: long };
    const tls = { serverName: 'a', version: 'TLSv1.3', cipher: 'x', alpn: 'h2', vouches: () => true, clientCertificate };
    const name = `${'n'.repeat(63)}/${'g'.repeat(253)}/${'l'.repeat(253)}`;
    const exchange = Object.assign(new Exchange({ ...CONNECTION, tls }, {} as never, 0), {
      method: long,
      requestedAuthority: 'a'.repeat(9_000),
      requestedPath: long,
      requestHeaders: ['user-agent', long],
      listener: name,
      route: { key: `HTTPRoute/${name}` },
    });
    const line = lineOf(exchange);
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4_096);
    expect(JSON.parse(line).path).toBe(`${'"'.repeat(256)}...`);
  });

  test('has the client certificate and the result of its verification', () => {
    const tls = { serverName: 'a', version: 'TLSv1.3', cipher: 'x', alpn: 'h2', vouches: () => true, clientCertificate: CLIENT };
    const known = { ...tls, clientCertificate: { ...CLIENT, verified: true, problem: '' } };
    const lineFor = (of: typeof tls) => JSON.parse(lineOf(new Exchange({ ...CONNECTION, tls: of }, {} as never, 0))) as unknown;
    expect(lineFor(tls)).toMatchObject({
      clientVerified: false,
      clientProblem: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      clientFingerprint: 'f'.repeat(64),
      clientSubject: 'CN=alice',
      clientSubjectAltName: 'URI:spiffe://test/alice',
    });
    expect(lineFor(known)).toMatchObject({ clientVerified: true });
    expect(lineFor(known)).not.toHaveProperty('clientProblem');
  });

  test('has the authenticated caller, and nothing of its claims', () => {
    const principal = {
      id: 'alice "a"',
      method: 'jwt',
      groups: ['g'],
      claims: { email: 'a@b' },
      consumer: 'shop/app',
      plan: 'gold',
    } as const;
    const line = lineOf(exchangeOf({ principal }));
    expect(JSON.parse(line)).toMatchObject({ principal: 'alice "a"', principalMethod: 'jwt', consumer: 'shop/app' });
    expect(line).not.toContain('a@b');
    const unknown = JSON.parse(lineOf(exchangeOf({ principal: { ...principal, consumer: '' } }))) as object;
    expect(unknown).not.toHaveProperty('consumer');
    expect(lineOf(exchangeOf({}))).not.toContain('rincipal');
  });

  test('has the path of the request without the query, and is written on stop', async () => {
    const file = path.join(folder, 'access.log');
    const worker = new Worker({ limits: DEFAULT_LIMITS, accessLog: file, reusePort: false, drainTimeout: 1, bindPort: () => 0 });
    closeLater(() => worker.stop(1));
    const upstream = await openUpstream('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const rewrite = { type: 'URLRewrite', hostname: 'inside', path: { type: 'ReplaceFullPath', value: '/rewritten' } } as const;
    await worker.apply(toUpstream(upstream.port, { filters: [rewrite] }), []);
    const client = await openClient(worker.boundPort(LISTENER_PORT) as number);
    await client.ask(get('/asked?token=secret'));
    expect(upstream.connections[0]?.received).toContain('GET /rewritten?token=secret');
    expect(await worker.stop(1_000)).toBe(true);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ method: 'GET', authority: 'a', path: '/asked', status: 200 });
    expect(lines[0]).not.toContain('secret');
  });
});

describe('a pipe without a reader', () => {
  test('does not block or fill the memory: lines are dropped and counted', async () => {
    const fifo = path.join(folder, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    // The test opens both ends, so that opening does not wait for a reader.
    const held = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const log = new AccessLog(fifo, true);
    const exchange = exchangeOf({ requestedPath: '/x'.repeat(200) });
    for (let i = 0; i < 20_000; i++) log.ended(exchange, 1);
    // A blocked write would never return.
    await new Promise(setImmediate);
    expect(log.dropped).toBeGreaterThan(0);
    expect(await log.close(50)).toBe(false);
    // Frees the thread that is blocked in the write.
    const drain = createReadStream(fifo).resume();
    await until(() => drain.bytesRead > 4_000_000, 'the rest');
    closeSync(held);
    drain.destroy();
  });
});
