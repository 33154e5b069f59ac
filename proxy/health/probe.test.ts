// Probes of real sockets: every kind of answer, and endpoints that hang, reset, trickle, or answer garbage.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { certified } from '../../test/support/certified.ts';
import { until } from '../../test/support/until.ts';
import type { BodyMatch, GrpcCheck, HealthCheck, HttpCheck, ProbeTarget, TcpCheck } from '../exchange/probe-target.ts';
import type { UpstreamTls } from '../exchange/plan.ts';
import { encodeCheck } from './health-message.ts';
import type { ProbeOutcome } from './outcome.ts';
import { startProbe } from './probe.ts';

const TIMEOUT = 20_000;
const pace = { interval: 1_000, unhealthyInterval: 1_000, timeout: TIMEOUT, healthyThreshold: 1, unhealthyThreshold: 1 };
const HTTP: HttpCheck = {
  type: 'http',
  protocol: 'http1',
  method: 'GET',
  path: '/healthz',
  host: null,
  headers: [],
  statuses: [[200, 299]],
  body: null,
};
const HTTP2: HttpCheck = { ...HTTP, protocol: 'http2' };
const GRPC: GrpcCheck = { type: 'grpc', service: 'shop.Cart', host: null };
const TCP: TcpCheck = { type: 'tcp', send: '', expect: '' };

let wheel: TimerWheel;
const servers: { close(): unknown }[] = [];
const sockets = new Set<net.Socket>();
beforeEach(() => void (wheel = new TimerWheel()));
afterEach(async () => {
  // A probe leaves neither a connection nor a timer.
  await until(() => [...sockets].every((socket) => socket.closed || socket.readableEnded), 'every connection is closed');
  expect(wheel.size).toBe(0);
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: net.Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

/** A server of raw bytes; reads everything. */
function raw(connected: (socket: net.Socket) => void): Promise<number> {
  return listen(
    net.createServer((socket) => {
      socket.resume();
      connected(socket);
    }),
  );
}

/** Answers the first bytes of a connection with these pieces, a turn of the event loop between them. */
function answering(...pieces: readonly string[]): Promise<number> {
  return raw((socket) => {
    socket.once('data', () => {
      void (async () => {
        for (const piece of pieces) {
          socket.write(piece, 'latin1');
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      })();
    });
  });
}

function targetAt(port: number, request: HealthCheck['request'], changes: { timeout?: number; tls?: UpstreamTls } = {}): ProbeTarget {
  const check = { pace: { ...pace, timeout: changes.timeout ?? TIMEOUT }, request };
  return { address: '127.0.0.1', port, tls: changes.tls ?? null, clientCertificate: null, check };
}

function probe(target: ProbeTarget): Promise<ProbeOutcome> {
  return new Promise((resolve) => void startProbe(target, wheel, resolve));
}

async function faultAt(port: number, request: HealthCheck['request'], timeout = TIMEOUT): Promise<string | null> {
  return (await probe(targetAt(port, request, { timeout })))?.fault ?? null;
}

describe('any check', () => {
  test('a port without a listener', async () => {
    const port = await raw(() => undefined);
    await new Promise((resolve) => (servers.pop() as net.Server).close(resolve));
    expect(await probe(targetAt(port, TCP))).toEqual({ fault: 'connect_failed', detail: 'ECONNREFUSED' });
  });

  test.each([
    ['http', HTTP],
    ['http2', HTTP2],
    ['grpc', GRPC],
    ['tcp', { ...TCP, expect: '00' }],
  ] as const)('%s: an endpoint that says nothing', async (_, request) => {
    const outcome = await probe(targetAt(await raw(() => undefined), request, { timeout: 50 }));
    expect(outcome).toEqual({ fault: 'timeout', detail: 'no complete answer in 50 ms' });
  });

  test.each([
    ['http', HTTP],
    ['http2', HTTP2],
    ['grpc', GRPC],
    ['tcp', { ...TCP, send: '00', expect: '00' }],
  ] as const)('%s: an endpoint that resets the connection', async (_, request) => {
    const port = await raw((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    expect(await faultAt(port, request)).toBe('closed');
  });

  test.each([
    ['http', HTTP, 'closed'],
    ['http2', HTTP2, 'closed'],
    ['grpc', GRPC, 'closed'],
    ['tcp', { ...TCP, expect: '00' }, 'bytes'],
  ] as const)('%s: an endpoint that closes the connection without an answer', async (_, request, fault) => {
    expect(await faultAt(await raw((socket) => void socket.end()), request)).toBe(fault);
  });

  test.each([
    ['http', HTTP],
    ['http2', HTTP2],
    ['grpc', GRPC],
  ] as const)('%s: an endpoint that answers garbage', async (_, request) => {
    expect(['malformed', 'closed']).toContain(await faultAt(await answering('\u0000\u0001garbage'.repeat(2_000)), request));
  });

  test('a cancelled probe has no outcome and closes its connection', async () => {
    const port = await raw(() => undefined);
    const outcomes: ProbeOutcome[] = [];
    const cancel = startProbe(targetAt(port, HTTP), wheel, (outcome) => outcomes.push(outcome));
    await until(() => sockets.size === 1, 'the probe is connected');
    cancel();
    await until(() => [...sockets].every(({ closed }) => closed), 'the connection is closed');
    expect(outcomes).toEqual([]);
  });

  test('an event loop that was busy longer than the timeout fails no probe whose answer has arrived', async () => {
    const port = await answering('HTTP/1.1 200 OK\r\n\r\n');
    const outcome = probe(targetAt(port, HTTP, { timeout: 400 }));
    await until(() => [...sockets].some(({ bytesWritten }) => bytesWritten > 0), 'the answer is on its way');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    expect(await outcome).toBeNull();
  });
});

describe('HTTP/1.1', () => {
  const ok = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const expecting = (value: string, changes: Partial<BodyMatch> = {}): HttpCheck => ({
    ...HTTP,
    body: { type: 'text', value, bytes: 1_024, ...changes },
  });

  test('sends method, path, host and headers', async () => {
    let received = '';
    const port = await raw((socket) => {
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        if (received.endsWith('\r\n\r\n')) socket.write(ok(''));
      });
    });
    const headers = [
      ['x-a', '1'],
      ['x-a', '2'],
      ['user-agent', 'own'],
    ] as const;
    expect(await faultAt(port, { ...HTTP, method: 'HEAD', path: '/h?x=1', host: 'shop.test', headers })).toBeNull();
    const [line, ...fields] = received.trimEnd().split('\r\n');
    expect(line).toBe('HEAD /h?x=1 HTTP/1.1');
    expect(fields.map((field) => field.toLowerCase()).sort()).toEqual(
      ['accept: */*', 'connection: close', 'host: shop.test', 'user-agent: own', 'x-a: 1', 'x-a: 2'].sort(),
    );
  });

  test('names the address as host by default', async () => {
    let received = '';
    const port = await raw((socket) => {
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        socket.write(ok(''));
      });
    });
    expect(await faultAt(port, HTTP)).toBeNull();
    expect(received).toContain(`host: 127.0.0.1:${port}\r\n`);
  });

  test.each([
    [200, [[200, 200]], null],
    [204, [[200, 200]], 'status'],
    [
      404,
      [
        [200, 299],
        [400, 404],
      ],
      null,
    ],
    [500, [[200, 499]], 'status'],
  ] as const)('status %d against %j', async (status, statuses, fault) => {
    expect(await faultAt(await answering(`HTTP/1.1 ${status} X\r\n\r\n`), { ...HTTP, statuses })).toBe(fault);
  });

  test('an interim answer is not the answer', async () => {
    const port = await answering('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n', 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
    expect(await faultAt(port, HTTP)).toBe('status');
  });

  test('a trickled head ends at the timeout', async () => {
    const port = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const trickle = setInterval(() => socket.write('x'), 5);
      socket.once('close', () => clearInterval(trickle));
    });
    expect(await faultAt(port, HTTP, 100)).toBe('timeout');
  });

  test('an endless head ends at its limit', async () => {
    const port = await raw((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${'x-filler: 0123456789\r\n'.repeat(2_000)}`));
    });
    expect(await faultAt(port, HTTP)).toBe('too_large');
  });

  test('the status is enough: an endless body is not read', async () => {
    const port = await raw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n');
        const more = (): void => void (socket.writable && socket.write(Buffer.alloc(65_536), more));
        more();
      });
    });
    expect(await faultAt(port, HTTP)).toBeNull();
  });

  test.each([
    ['in one piece', [ok('status: fine')]],
    [
      'across chunks',
      ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nxsta\r\n', '5\r\ntus: \r\n', '6\r\nfine\r\n\r\n0\r\n\r\n'],
    ],
    ['until the end of the connection', ['HTTP/1.1 200 OK\r\n\r\nsta', 'tus: fi', 'ne']],
  ])('a body with the text, %s', async (_, pieces) => {
    expect(await faultAt(await answering(...pieces), expecting('status: fine'))).toBeNull();
  });

  test('a body without the text', async () => {
    expect(await faultAt(await answering(ok('status: ill')), expecting('status: fine'))).toBe('body');
  });

  test('a text beyond the bytes that are read is not found, however long the body is', async () => {
    const port = await answering('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n', 'x'.repeat(1_020), 'xfinexxxx');
    expect(await faultAt(port, expecting('fine'))).toBe('body');
    expect(await faultAt(await answering('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n', 'xfine'), expecting('fine'))).toBeNull();
  });

  test('an expression matches a part of the whole body', async () => {
    const check = expecting('^\\{"up":(true|1)', { type: 'regex' });
    expect(await faultAt(await answering(ok('{"up":true}')), check)).toBeNull();
    expect(await faultAt(await answering(ok(' {"up":true}')), check)).toBe('body');
    expect(await faultAt(await answering(ok('fine')), expecting('(', { type: 'regex' }))).toBe('body');
  });

  test('a body that ends too early', async () => {
    const port = await raw((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfi'));
    });
    expect(await faultAt(port, expecting('fine'))).toBe('closed');
  });

  test('a header that cannot be sent fails the probe and throws nothing', async () => {
    expect(await faultAt(await raw(() => undefined), { ...HTTP, headers: [['x', 'a\nb']] })).toBe('malformed');
  });
});

describe('HTTP/2 and gRPC', () => {
  type Answer = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, body: Buffer) => void;

  async function speaking(answer: Answer): Promise<number> {
    const server = http2.createServer();
    server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', () => undefined);
      stream.on('end', () => answer(stream, headers, Buffer.concat(chunks)));
    });
    server.on('sessionError', () => undefined);
    return listen(server);
  }

  test('sends the request and takes the status', async () => {
    let seen: http2.IncomingHttpHeaders = {};
    const port = await speaking((stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 204 }, { endStream: true });
    });
    expect(await faultAt(port, { ...HTTP2, host: 'shop.test', headers: [['x-a', '1']] })).toBeNull();
    expect(seen).toMatchObject({ ':method': 'GET', ':path': '/healthz', ':scheme': 'http', ':authority': 'shop.test', 'x-a': '1' });
    expect(await faultAt(port, { ...HTTP2, statuses: [[200, 200]] })).toBe('status');
  });

  test('a body with the text across frames, and without it', async () => {
    const port = await speaking((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('sta');
      setTimeout(() => stream.end('tus'), 2);
    });
    expect(await faultAt(port, { ...HTTP2, body: { type: 'text', value: 'status', bytes: 100 } })).toBeNull();
    expect(await faultAt(port, { ...HTTP2, body: { type: 'text', value: 'fine', bytes: 100 } })).toBe('body');
  });

  test('a stream that is reset, and a session that goes away', async () => {
    expect(await faultAt(await speaking((stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)), HTTP2)).toMatch(
      /closed|malformed/,
    );
    expect(await faultAt(await speaking((stream) => stream.session?.goaway(2)), HTTP2)).toBe('closed');
  });

  test('an endless body is not read', async () => {
    const port = await speaking((stream) => {
      stream.respond({ ':status': 200 });
      const more = (): void => void (stream.writable && stream.write(Buffer.alloc(65_536), more));
      more();
    });
    expect(await faultAt(port, HTTP2)).toBeNull();
    expect(await faultAt(port, { ...HTTP2, body: { type: 'text', value: 'x', bytes: 100_000 } })).toBe('body');
  });

  /** A message of gRPC with this status. */
  const serving = (status: number): Buffer => Buffer.from([0, 0, 0, 0, 2, 8, status]);

  function respond(stream: http2.ServerHttp2Stream, body: Buffer, trailers: http2.OutgoingHttpHeaders): void {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  }

  test('a call for a service that serves', async () => {
    let seen: readonly unknown[] = [];
    const port = await speaking((stream, headers, body) => {
      seen = [headers[':path'], headers['te'], headers['content-type'], headers['grpc-timeout'], body];
      respond(stream, serving(1), { 'grpc-status': '0' });
    });
    expect(await faultAt(port, GRPC)).toBeNull();
    expect(seen).toEqual(['/grpc.health.v1.Health/Check', 'trailers', 'application/grpc', '20000m', encodeCheck('shop.Cart')]);
  });

  test.each([
    ['does not serve', serving(2), { 'grpc-status': '0' }, { fault: 'not_serving', detail: 'NOT_SERVING' }],
    ['is in an unknown state', Buffer.from([0, 0, 0, 0, 0]), { 'grpc-status': '0' }, { fault: 'not_serving', detail: 'UNKNOWN' }],
    ['fails', Buffer.alloc(0), { 'grpc-status': '13', 'grpc-message': 'boom' }, { fault: 'grpc_status', detail: '13 boom' }],
    ['sends no status', serving(1), {}, { fault: 'malformed', detail: 'no grpc-status' }],
    ['sends no message', Buffer.from('no'), { 'grpc-status': '0' }, { fault: 'malformed', detail: 'no HealthCheckResponse' }],
    ['sends too much', Buffer.alloc(100_000), { 'grpc-status': '0' }, { fault: 'too_large', detail: 'more than 4096 bytes' }],
  ] as const)('a service that %s', async (_, body, trailers, outcome) => {
    const port = await speaking((stream) => respond(stream, body, trailers));
    expect(await probe(targetAt(port, GRPC))).toEqual(outcome);
  });

  test('a server without the service, and one without gRPC', async () => {
    const without = await speaking((stream) => stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true }));
    expect(await faultAt(without, GRPC)).toBe('grpc_status');
    expect(await faultAt(await speaking((stream) => stream.respond({ ':status': 404 }, { endStream: true })), GRPC)).toBe('status');
  });
});

describe('TCP', () => {
  const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

  test('a connection is enough', async () => {
    expect(await faultAt(await raw(() => undefined), TCP)).toBeNull();
  });

  test('bytes are sent, and the answer contains the expected ones, across chunks', async () => {
    const port = await raw((socket) => {
      socket.on('data', (chunk) => {
        if (chunk.toString() !== 'PING\r\n') return void socket.end('?');
        socket.write('-junk +PO');
        setTimeout(() => socket.write('NG\r\n'), 2);
      });
    });
    expect(await faultAt(port, { ...TCP, send: hex('PING\r\n'), expect: hex('+PONG') })).toBeNull();
    expect(await faultAt(port, { ...TCP, send: hex('other'), expect: hex('+PONG') })).toBe('bytes');
  });

  test('an endless answer without the bytes', async () => {
    const port = await raw((socket) => void socket.write(Buffer.alloc(100_000)));
    expect(await faultAt(port, { ...TCP, expect: hex('x') })).toBe('bytes');
  });
});

describe('TLS', () => {
  const cert = certified('DNS:shop.test');

  function trusting(changes: Partial<UpstreamTls> = {}): UpstreamTls {
    const authorities = readFileSync(cert.files.ca, 'utf8');
    const subjectAltNames = [{ type: 'Hostname', value: 'shop.test' }] as const;
    return { serverName: 'shop.test', subjectAltNames, authorities, identity: null, settings: {}, ...changes };
  }

  function secure(protocols: string[], connected: (socket: tls.TLSSocket) => void): Promise<number> {
    const { certificate, privateKey } = cert.secret;
    const server = tls.createServer({ cert: certificate, key: privateKey, ALPNProtocols: protocols }, (socket) => {
      socket.on('error', () => undefined);
      connected(socket);
    });
    server.on('tlsClientError', () => undefined);
    return listen(server);
  }

  const ANSWER = (socket: tls.TLSSocket): void => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));

  test('a certificate with the name of the backend', async () => {
    let request = '';
    const port = await secure(['http/1.1'], (socket) => {
      socket.once('data', (chunk) => (request = chunk.toString('latin1')));
      ANSWER(socket);
    });
    expect(await probe(targetAt(port, HTTP, { tls: trusting() }))).toBeNull();
    expect(request).toContain('host: shop.test\r\n');
  });

  test('a certificate with another name, of another authority, or without an authority to trust', async () => {
    const port = await secure(['http/1.1'], ANSWER);
    const subjectAltNames = [{ type: 'Hostname', value: 'other.test' }] as const;
    expect((await probe(targetAt(port, HTTP, { tls: trusting({ subjectAltNames }) })))?.fault).toBe('tls_failed');
    expect((await probe(targetAt(port, HTTP, { tls: trusting({ authorities: null }) })))?.fault).toBe('tls_failed');
    expect((await probe(targetAt(port, HTTP, { tls: trusting({ authorities: '' }) })))?.fault).toBe('tls_failed');
  });

  test('HTTP/2 without agreement on it', async () => {
    const port = await secure(['http/1.1'], ANSWER);
    expect((await probe(targetAt(port, HTTP2, { tls: trusting() })))?.fault).toBe('tls_failed');
  });

  test('a TCP check does the handshake', async () => {
    const port = await secure([], (socket) => void socket.write('hello'));
    expect(await probe(targetAt(port, { ...TCP, expect: '6c6c' }, { tls: trusting() }))).toBeNull();
    expect((await probe(targetAt(await raw((socket) => void socket.end('no TLS')), TCP, { tls: trusting() })))?.fault).toBe('tls_failed');
  });

  test('a handshake that never ends', async () => {
    const port = await raw(() => undefined);
    expect(await probe(targetAt(port, HTTP, { tls: trusting(), timeout: 50 }))).toEqual({
      fault: 'timeout',
      detail: 'no handshake in 50 ms',
    });
  });
});
