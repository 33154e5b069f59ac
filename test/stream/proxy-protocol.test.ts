// A port with the PROXY protocol: connections have the address in their header, for any protocol, and only from trusted peers.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { writeProxyHeader } from '../../proxy/codec/proxy-protocol/write.ts';
import type { MetricJson } from '#lib/metric.ts';
import { TestCa, secretOf } from '../support/certificates.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, route, streamRoute, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import type { Message } from '../support/message.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** Headers are required on every listener of the Gateway. */
function required(trustedSources: readonly string[] = []): ir.Policy {
  const target = { kind: 'Gateway', namespace: 'default', name: 'gateway', section: '' };
  const settings = { proxyProtocol: { mode: 'Required', trustedSources } };
  const names = { policyKind: 'ClientTrafficPolicy', namespace: 'default', name: 'proxied', createdAt: 0 };
  return { kind: 'Policy', key: 'ClientTrafficPolicy/default/proxied', ...names, targets: [target], settings };
}
const CLIENT = { remoteAddress: '203.0.113.7', remotePort: 4_711, localAddress: '198.51.100.2', localPort: 443 };
const V1 = writeProxyHeader(1, CLIENT);
const V2 = writeProxyHeader(2, CLIENT, 'a.example');

function http(port: number, trustedSources: readonly string[] = []): ir.Resource[] {
  return [required(trustedSources), ...toUpstream(port)];
}

function failures(proxy: Proxy): Record<string, number> {
  const family = proxy.worker.registry.getSingleMetric('weir_proxy_protocol_failures_total') as unknown as { get(): MetricJson };
  return Object.fromEntries(family.get().values.map(({ labels, value }) => [labels['reason'] ?? '', value]));
}

/** The client address that the backend gets. */
function forwardedFor({ raw }: Message): string {
  return /x-forwarded-for: (.*)\r\n/i.exec(raw)?.[1] ?? '';
}

describe('requests', () => {
  test.each([
    ['version 1', V1],
    ['version 2', V2],
  ])('are those of the client that %s names', async (_, header) => {
    const upstream = await openUpstream();
    const client = await openClient((await openProxy(http(upstream.port))).port);
    client.write(Buffer.concat([header, Buffer.from(get())]));
    expect((await client.answer()).startLine).toBe('HTTP/1.1 200 OK');
    expect(forwardedFor(await upstream.request())).toBe('203.0.113.7');
    expect((await client.ask(get())).startLine).toBe('HTTP/1.1 200 OK');
  });

  test('arrive unharmed wherever the first bytes are cut', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy(http(upstream.port));
    for (const header of [V1, V2]) {
      const bytes = Buffer.concat([header, Buffer.from(get())]);
      for (let at = 1; at < bytes.length; at++) {
        const client = await openClient(proxy.port);
        client.write(bytes.subarray(0, at));
        await new Promise(setImmediate);
        client.write(bytes.subarray(at));
        expect((await client.answer()).startLine).toBe('HTTP/1.1 200 OK');
        client.destroy();
      }
    }
    expect(new Set(upstream.requests.map(forwardedFor))).toEqual(new Set(['203.0.113.7']));
  });

  test('arrive when every byte comes separately', async () => {
    const upstream = await openUpstream();
    const client = await openClient((await openProxy(http(upstream.port))).port);
    for (const byte of Buffer.concat([V2, Buffer.from(get())])) {
      client.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    expect((await client.answer()).startLine).toBe('HTTP/1.1 200 OK');
  });

  test.each(['PROXY UNKNOWN\r\n', Buffer.concat([V2.subarray(0, 12), Buffer.from([0x20, 0, 0, 0])])])(
    'have the address of the balancer if its header has none',
    async (header) => {
      const upstream = await openUpstream();
      const client = await openClient((await openProxy(http(upstream.port))).port);
      client.write(Buffer.concat([Buffer.from(header), Buffer.from(get())]));
      await client.answer();
      expect(forwardedFor(await upstream.request())).toBe('127.0.0.1');
    },
  );

  test('of HTTP/2 may follow', async () => {
    const upstream = await openUpstream();
    const client = await openClient((await openProxy(http(upstream.port))).port);
    client.write(Buffer.concat([V2, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]));
    // SETTINGS of the proxy.
    await until(() => client.received.length >= 9 && client.received.charCodeAt(3) === 4, 'the settings');
  });
});

describe('refused', () => {
  test.each([
    ['malformed', Buffer.from(get())],
    ['malformed', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n')],
    ['closed', V1.subarray(0, 10)],
  ])('%s', async (reason, bytes) => {
    const upstream = await openUpstream();
    const proxy = await openProxy(http(upstream.port));
    const client = await openClient(proxy.port);
    client.write(bytes);
    if (reason === 'closed') client.end();
    await client.over();
    expect(client.received).toBe('');
    expect(failures(proxy)).toEqual({ [reason]: 1 });
    await proxy.quiet();
    expect(upstream.requests).toEqual([]);
    expect(proxy.worker.timers).toBe(0);
  });

  test('a peer that takes too long, without an answer', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy(http(upstream.port), { proxyHeaderTimeout: 100 });
    const client = await openClient(proxy.port);
    client.write(V1.subarray(0, 10));
    await client.over();
    expect(failures(proxy)).toEqual({ timeout: 1 });
    await proxy.quiet();
  });

  test('an untrusted peer; a trusted one is served', async () => {
    const upstream = await openUpstream();
    const stranger = await openProxy(http(upstream.port, ['10.0.0.0/8', 'fd00::/8']));
    // The reset may come before the client knows that it is connected.
    const socket = net.connect(stranger.port, '127.0.0.1').on('error', () => undefined);
    socket.write(Buffer.concat([V1, Buffer.from(get())]));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(failures(stranger)).toEqual({ untrusted: 1 });
    const trusting = await openProxy(http(upstream.port, ['10.0.0.0/8', '127.0.0.0/8']));
    const friend = await openClient(trusting.port);
    friend.write(Buffer.concat([V1, Buffer.from(get())]));
    expect((await friend.answer()).startLine).toBe('HTTP/1.1 200 OK');
  });

  test('a port requires a header if one of its listeners does; open connections stay', async () => {
    const upstream = await openUpstream();
    const other = listener({ key: 'default/gateway/other', hostname: 'b' });
    const proxy = await openProxy([...toUpstream(upstream.port), other]);
    const before = await openClient(proxy.port);
    expect((await before.ask(get())).startLine).toBe('HTTP/1.1 200 OK');
    const policy = required();
    await proxy.worker.apply([{ ...policy, targets: policy.targets.map((target) => ({ ...target, section: 'other' })) }], []);
    const client = await openClient(proxy.port);
    client.write(get());
    await client.over();
    expect(client.received).toBe('');
    expect((await before.ask(get())).startLine).toBe('HTTP/1.1 200 OK');
    await proxy.worker.apply([], [policy]);
    expect((await (await openClient(proxy.port)).ask(get())).startLine).toBe('HTTP/1.1 200 OK');
  });
});

describe('other protocols', () => {
  test('a TCP connection begins behind the header', async () => {
    const upstream = await openUpstream({ connected: ({ socket }) => socket.pipe(socket) });
    const tcp = listener({ protocol: 'TCP' });
    const client = await openClient((await openProxy([required(), tcp, ...cluster('app', [upstream.port]), streamRoute()])).port);
    client.write(Buffer.concat([V2, Buffer.from('hello')]));
    await until(() => client.received === 'hello', 'the echo');
    client.write(' again');
    await until(() => client.received === 'hello again', 'the echo');
    client.end();
    await client.over();
  });

  test('a TLS handshake may follow the header, for any split', async () => {
    const ca = await TestCa.create();
    const secret = secretOf('a', await ca.issue('a', 'DNS:a.example'));
    const upstream = await openUpstream();
    const https = listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['a'] } });
    const proxy = await openProxy([required(), secret, https, ...cluster('app', [upstream.port]), route()]);
    for (const pieces of [[V1], [V2.subarray(0, 5), V2.subarray(5)]]) {
      const socket = net.connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
      closeLater(() => socket.destroy());
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise(setImmediate);
      }
      const secure = tls.connect({ socket, servername: 'a.example', ca: readFileSync(ca.certificate) });
      let text = '';
      secure.on('data', (chunk) => (text += String(chunk)));
      secure.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
      await until(() => text.startsWith('HTTP/1.1 200'), 'the answer');
    }
    expect(forwardedFor(await upstream.request())).toBe('203.0.113.7');
  });
});
