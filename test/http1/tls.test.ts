// Differences with TLS: torn answers must not look complete, and no exception may occur.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, closeLater, get, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { Respond } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const FOLDER = path.resolve(import.meta.dirname, '../../controller/compile/testdata/tls');
const certificate = readFileSync(path.join(FOLDER, 'a.crt'), 'utf8');
const privateKey = readFileSync(path.join(FOLDER, 'a.key'), 'utf8');
const secret: ir.Secret = { kind: 'Secret', key: 'default/tls', certificate, privateKey };
const https = listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/tls'] } });

interface TlsClient {
  readonly socket: tls.TLSSocket;
  received: string;
  ended: boolean;
  closed: boolean;
}

async function open(
  respond: string | Respond,
  limits: Parameters<typeof openProxy>[1] = {},
): Promise<{ readonly client: TlsClient; readonly proxy: Proxy }> {
  const upstream = await openUpstream(respond);
  const proxy = await openProxy([secret, https, ...cluster('app', [upstream.port]), route()], limits);
  const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  const client: TlsClient = { socket, received: '', ended: false, closed: false };
  closeLater(() => socket.destroy());
  socket.on('data', (chunk: Buffer) => (client.received += chunk.latin1Slice()));
  socket.on('end', () => (client.ended = true));
  socket.on('close', () => (client.closed = true));
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return { client, proxy };
}

describe('over TLS', () => {
  test('requests and answers pass, also pipelined, and the backend gets the scheme', async () => {
    const { client } = await open(({ headers }) => ok(headers.find(([name]) => name === 'x-forwarded-proto')?.[1]));
    client.socket.write(get().repeat(3));
    await until(() => client.received.split('\r\n\r\nhttps').length === 4, 'three answers');
  });

  test('a body that ends with the connection and is torn is cut', async () => {
    const { client, proxy } = await open((_, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello', () => socket.resetAndDestroy());
      return null;
    });
    client.socket.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    await until(() => client.closed, 'the cut');
    expect(client.received).toMatch(/hello$/);
    await proxy.quiet();
  });

  test('a client that does not read its answer is cut', async () => {
    const { client, proxy } = await open(ok('x'.repeat(20_000_000)), { downstreamWriteTimeout: 100 });
    client.socket.pause();
    client.socket.write(get());
    await until(() => proxy.metric('weir_requests_active') === 1, 'the request');
    await proxy.quiet();
  });

  test('a large answer passes whole, with Connection: close too', async () => {
    const { client, proxy } = await open(ok('x'.repeat(3_000_000)));
    client.socket.write(get('/', 'Connection: close\r\n'));
    await until(() => client.ended, 'the end');
    expect(client.received.length).toBeGreaterThan(3_000_000);
    client.socket.destroy();
    await proxy.quiet();
  });
});
