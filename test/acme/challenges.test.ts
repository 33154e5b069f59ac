// Proxies answer the challenges of certificate authorities, whatever else their listeners do.
import { describe, expect, test } from '@jest/globals';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { makeChallengeCertificate } from '#lib/certificate-authority.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { listener, LISTENER_PORT, route, startProxy, toUpstream, type Proxy } from '../support/proxy.ts';

closeAfterEach();

const PATH = '/.well-known/acme-challenge/token-1';
const HTTP: ir.Challenge = {
  kind: 'Challenge',
  key: 'Secret/default/cert/a.example.com',
  host: 'a.example.com',
  answer: { type: 'HTTP01', token: 'token-1', text: 'token-1.thumbprint' },
};
const REDIRECT: ir.Filter = { type: 'RequestRedirect', scheme: 'https', hostname: null, path: null, port: null, statusCode: 301 };

async function start(resources: readonly ir.Resource[]): Promise<Proxy> {
  const proxy = await startProxy(resources);
  closeLater(() => proxy.close());
  return proxy;
}

function request(proxy: Proxy, host: string, path: string, method = 'GET'): Promise<string> {
  const socket = net.connect(proxy.port, '127.0.0.1');
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return text(socket);
}

describe('an HTTP listener', () => {
  test('answers the challenge of a host although a route redirects all its requests', async () => {
    const proxy = await start([listener(), route({ filters: [REDIRECT], backends: [] }), HTTP]);
    const answer = await request(proxy, 'a.example.com:80', PATH);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).toMatch(/\r\n\r\ntoken-1\.thumbprint$/);
    expect(await request(proxy, 'a.example.com', PATH, 'HEAD')).toMatch(/content-length: 18\r\n(.*\r\n)*\r\n$/i);
  });

  test('gives other tokens, hosts and methods to the routes', async () => {
    const proxy = await start([listener(), route({ filters: [REDIRECT], backends: [] }), HTTP]);
    expect(await request(proxy, 'a.example.com', `${PATH}2`)).toMatch(/^HTTP\/1.1 301 /);
    expect(await request(proxy, 'b.example.com', PATH)).toMatch(/^HTTP\/1.1 301 /);
    expect(await request(proxy, 'a.example.com', PATH, 'DELETE')).toMatch(/^HTTP\/1.1 301 /);
  });

  test('answers no longer once the challenge is removed', async () => {
    const proxy = await start([listener(), HTTP]);
    await proxy.worker.apply([], [{ kind: 'Challenge', key: HTTP.key }]);
    expect(await request(proxy, 'a.example.com', PATH)).toMatch(/^HTTP\/1.1 404 /);
  });
});

const DIGEST = createHash('sha256').update('key authorization').digest();
const HTTPS: Partial<ir.Listener> = {
  key: 'default/gateway/https',
  protocol: 'HTTPS',
  hostname: 'a.example.com',
  addresses: ['127.0.0.1'],
  tls: { mode: 'Terminate', certificates: ['default/cert'] },
};

function challenge(host = 'a.example.com'): ir.Challenge {
  const pair = makeChallengeCertificate(host, DIGEST, { now: Date.now(), lifetime: 3_600_000 });
  return { ...HTTP, key: `Secret/default/cert/${host}`, host, answer: { type: 'TLSALPN01', ...pair } };
}

async function shake(port: number, ALPNProtocols: readonly string[], servername = 'a.example.com'): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername, ALPNProtocols: [...ALPNProtocols], rejectUnauthorized: false });
  closeLater(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

describe('a TLS listener', () => {
  const pending: ir.Secret = { kind: 'Secret', key: 'default/cert', certificate: '', privateKey: '', problem: 'is awaited' };

  test('answers the challenge before it has a certificate, and closes', async () => {
    const proxy = await start([listener(HTTPS), pending, challenge()]);
    const socket = await shake(proxy.port, ['acme-tls/1']);
    expect(socket.alpnProtocol).toBe('acme-tls/1');
    const { raw, subjectAltName } = new X509Certificate(socket.getPeerCertificate().raw);
    expect(subjectAltName).toBe('DNS:a.example.com');
    expect(raw.includes(DIGEST)).toBe(true);
    socket.resume();
    await once(socket, 'close');
    expect(proxy.metric('weir_tls_handshakes_total')).toBe(1);
  });

  test('serves no other handshake with that certificate', async () => {
    const proxy = await start([listener(HTTPS), pending, challenge()]);
    await expect(shake(proxy.port, ['h2', 'http/1.1'])).rejects.toThrow();
    await expect(shake(proxy.port, ['h2', 'acme-tls/1'])).rejects.toThrow();
    await expect(shake(proxy.port, ['acme-tls/1'], 'b.example.com')).rejects.toThrow();
  });

  test('closes its port again once the challenge is removed', async () => {
    const proxy = await start([listener(HTTPS), pending, challenge()]);
    await proxy.worker.apply([], [{ kind: 'Challenge', key: challenge().key }]);
    expect(proxy.worker.boundPort(LISTENER_PORT)).toBeNull();
  });

  test('refuses a challenge whose certificate OpenSSL refuses, and keeps the others', async () => {
    const proxy = await start([listener(HTTPS), pending, challenge()]);
    const broken: ir.Challenge = { ...challenge('b.example.com'), answer: { type: 'TLSALPN01', certificate: 'x', privateKey: 'y' } };
    expect(await proxy.worker.apply([broken], [])).toEqual([expect.objectContaining({ kind: 'Challenge', key: broken.key })]);
    expect((await shake(proxy.port, ['acme-tls/1'])).alpnProtocol).toBe('acme-tls/1');
  });
});

test('requests without a challenge take their way as before', async () => {
  const proxy = await start(toUpstream(1));
  expect(await request(proxy, 'a', PATH)).toMatch(/^HTTP\/1.1 50/);
});
