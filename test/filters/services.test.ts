// Filters that ask a backend, and filters that read the body of a request, with real sockets.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type net from 'node:net';
import tls from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import type { ExchangeError } from '../../proxy/exchange/errors.ts';
import type { Exchange } from '../../proxy/exchange/exchange.ts';
import type { FilterVerdict } from '../../proxy/exchange/plan.ts';
import type { Subrequest, SubrequestAnswer } from '../../proxy/exchange/subrequest.ts';
import { certified } from '../support/certified.ts';
import { filterTimePasses, neverDeciding, openFiltered, type MakeFilter } from '../support/filtered.ts';
import { closeAfterEach, closeLater, get, openUpstream, post } from '../support/fixture.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import { status } from '../support/message.ts';
import { cluster } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const certificate = certified('DNS:service.test');

const SERVICE = 'Service/default/service/80';
const PLAIN: Subrequest = {
  ...{ method: 'POST', path: '/check?a=1', authority: 'service.test', headers: ['x-a', 'b'], body: Buffer.from('hello') },
  ...{ timeout: 5_000, maxAnswerBytes: 1_000 },
};

/** A filter that asks the service, and keeps the answers. */
function asking(fields: Partial<Subrequest> = {}, ofExchange: (exchange: Exchange) => Partial<Subrequest> = () => ({})) {
  const answers: (SubrequestAnswer | ExchangeError)[] = [];
  const make: MakeFilter = ({ ask }) => ({
    request: async (exchange): Promise<FilterVerdict> => {
      answers.push(await ask(SERVICE, { ...PLAIN, ...fields, ...ofExchange(exchange) }));
      return 'continue';
    },
  });
  return { make, answers };
}

describe('a question to a backend', () => {
  test('has its head and body, is balanced, and has the whole answer', async () => {
    const services = [await openUpstream(ok('first', 'X-By: service\r\n')), await openUpstream(ok('first'))];
    const { make, answers } = asking();
    const more = cluster(
      'service',
      services.map(({ port }) => port),
    );
    const { client, proxy } = await openFiltered([make], { more });
    for (const path of ['/a', '/b']) expect(status(await client.ask(get(path)))).toBe(200);
    expect(answers.map((answer) => 'body' in answer && [answer.status, answer.body.toString()])).toEqual([
      [200, 'first'],
      [200, 'first'],
    ]);
    expect(services.map(({ requests }) => requests.map(({ startLine, body }) => [startLine, body]))).toEqual([
      [['POST /check?a=1 HTTP/1.1', 'hello']],
      [['POST /check?a=1 HTTP/1.1', 'hello']],
    ]);
    expect(services[0]?.requests[0]?.headers).toContainEqual(['x-a', 'b']);
    client.destroy();
    await proxy.quiet();
    expect(proxy.metric('weir_requests_total')).toBe(2);
  });

  const failures: [string, Partial<Subrequest>, string][] = [
    ['without an answer in time', { timeout: 50 }, 'upstream_timeout'],
    ['that is cancelled before', { signal: AbortSignal.abort() }, 'downstream_reset'],
  ];
  test.each(failures)('%s has an error, and leaves nothing behind', async (_, fields, code) => {
    const service = await openUpstream({ respond: () => null });
    const { make, answers } = asking(fields);
    const { client, proxy } = await openFiltered([make], { more: cluster('service', [service.port]) });
    expect(status(await client.ask(get()))).toBe(200);
    expect(answers).toMatchObject([{ code }]);
    client.destroy();
    await proxy.quiet();
    expect(proxy.worker.timers).toBeLessThanOrEqual(1);
  });

  test('with an answer beyond the limit has an error', async () => {
    const service = await openUpstream(ok('x'.repeat(2_000)));
    const { make, answers } = asking();
    const { client } = await openFiltered([make], { more: cluster('service', [service.port]) });
    expect(status(await client.ask(get()))).toBe(200);
    expect(answers).toMatchObject([{ code: 'upstream_malformed', detail: 'the answer is larger than 1000 bytes' }]);
  });

  test('to a backend without endpoints has an error', async () => {
    const { make, answers } = asking();
    const { client } = await openFiltered([make]);
    expect(status(await client.ask(get()))).toBe(200);
    expect(answers).toMatchObject([{ code: 'no_endpoints' }]);
  });

  test('over HTTP/2 has the messages and the trailers of a gRPC call', async () => {
    const calls: (readonly [string, string])[] = [];
    const service = await openH2Backend((stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        calls.push([headers[':path'] as string, Buffer.concat(chunks).toString('latin1')]);
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end('\0\0\0\0\u0002ok');
      });
    });
    const headers = ['content-type', 'application/grpc', 'te', 'trailers'];
    const body = Buffer.from('\0\0\0\0\u0002hi');
    const { make, answers } = asking({ protocol: 'http2', path: '/auth.Check/Check', headers, body });
    const { client } = await openFiltered([make], { more: cluster('service', [service.port]) });
    expect(status(await client.ask(get()))).toBe(200);
    expect(calls).toEqual([['/auth.Check/Check', body.toString('latin1')]]);
    expect(answers).toMatchObject([{ status: 200, body: Buffer.from('\0\0\0\0\u0002ok'), trailers: ['grpc-status', '0'] }]);
  });

  test('has the TLS of the backend, whose certificate is verified', async () => {
    const { ca, files } = certificate;
    const service = tls.createServer({ cert: readFileSync(files.certificate), key: readFileSync(files.privateKey) }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(ok(socket.servername || '')));
    });
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    closeLater(() => service.close());
    const bundle: ir.TrustBundle = { kind: 'TrustBundle', key: 'ca', certificates: readFileSync(ca.certificate, 'utf8') };
    const secured = (name: string): ir.Resource[] =>
      cluster('service', [(service.address() as net.AddressInfo).port]).map((resource) =>
        resource.kind === 'Cluster'
          ? { ...resource, tls: { serverName: name, subjectAltNames: [{ type: 'Hostname', value: name }], authorities: ['ca'] } }
          : resource,
      );
    for (const [name, expected] of [
      ['service.test', { body: Buffer.from('service.test') }],
      ['other.test', { code: 'upstream_tls_failed' }],
    ] as const) {
      const { make, answers } = asking();
      const { client } = await openFiltered([make], { more: [bundle, ...secured(name)] });
      await client.ask(get());
      expect(answers).toMatchObject([expected]);
    }
  });

  test('ends when the client leaves', async () => {
    const service = await openUpstream({ respond: () => null });
    const { make, answers } = asking({}, ({ signal }) => ({ signal }));
    const { client, proxy, upstream } = await openFiltered([make], { more: cluster('service', [service.port]) });
    client.write(get());
    await until(() => service.requests.length === 1, 'the service has the question');
    client.destroy();
    await until(() => answers.length === 1, 'the question is over');
    expect(answers).toMatchObject([{ code: 'downstream_reset' }]);
    await proxy.quiet();
    expect(upstream.requests).toEqual([]);
  });
});

describe('the whole body', () => {
  /** A filter that reads the body up to 1,000 bytes, and keeps its size. */
  function reading() {
    const sizes: (number | null)[] = [];
    const make: MakeFilter = ({ wholeBody }) => ({
      request: async (exchange): Promise<FilterVerdict> => {
        sizes.push((await wholeBody(exchange, 1_000))?.length ?? null);
        return 'continue';
      },
    });
    return { make, sizes };
  }

  const chunked = (size: number): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`;
  const bodies: [string, string, number | null, number][] = [
    ['none', get(), 0, 0],
    ['of a known length', post('x'.repeat(900)), 900, 900],
    ['in chunks', chunked(900), 900, 900],
    ['beyond the limit', post('x'.repeat(100_000)), null, 100_000],
    ['in chunks beyond the limit', chunked(100_000), null, 100_000],
  ];
  test.each(bodies)('%s reaches the filter and the backend', async (_, request, seen, sent) => {
    const { make, sizes } = reading();
    const { client, upstream } = await openFiltered([make]);
    expect(status(await client.ask(request))).toBe(200);
    expect([sizes, upstream.requests[0]?.body.length]).toEqual([[seen], sent]);
  });

  test('of a client that leaves is null, and costs nothing', async () => {
    const { make, sizes } = reading();
    const { client, upstream, proxy } = await openFiltered([make]);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
    await until(() => proxy.metric('weir_requests_active') === 1, 'the request is under way');
    client.destroy();
    await until(() => sizes.length === 1, 'the filter goes on');
    await proxy.quiet();
    expect([sizes, upstream.requests, proxy.worker.timers]).toEqual([[null], [], 0]);
  });

  test('takes longer than the time of the filter if the client does', async () => {
    const { make, sizes } = reading();
    const { client, proxy } = await openFiltered([neverDeciding, make], { limits: { filterTimeout: 50 } });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
    await until(() => proxy.metric('weir_requests_active') === 1, 'the request is under way');
    await filterTimePasses({ proxy });
    client.write('hello');
    expect([status(await client.answer()), sizes]).toEqual([200, [10]]);
  });
});
