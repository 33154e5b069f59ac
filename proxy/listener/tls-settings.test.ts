// The negotiated TLS settings of a listener, as openssl s_client and node:tls report them.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type net from 'node:net';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { TestCa, secretOf } from '../../test/support/certificates.ts';
import { closeAfterEach, closeLater } from '../../test/support/fixture.ts';
import { boundPort, httpsListener, openListenerSockets } from '../../test/support/listener-sockets.ts';

let ca: TestCa;
const secrets = new Map<string, ir.Secret>();
beforeAll(async () => {
  ca = await TestCa.create();
  for (const key of ['ec', 'rsa'] as const) {
    secrets.set(key, secretOf(key, await ca.issueAs('a.test', { names: 'DNS:a.test', key })));
  }
});
afterAll(() => ca.remove());

closeAfterEach();

/** Serves TLS with these settings; resolves to the port. */
async function serve(settings: ir.TlsSettings, certificates = ['ec', 'rsa']): Promise<number> {
  const connect = (socket: net.Socket) => {
    socket.on('error', () => undefined);
    const data = (chunk: Buffer) => void socket.write(chunk);
    return { idle: true, data, retire: () => undefined, drain: () => void socket.end() };
  };
  const { sockets } = openListenerSockets({ connect });
  const listener = httpsListener(certificates, { tls: { mode: 'Terminate', certificates, settings } });
  expect(await sockets.update([listener], secrets)).toEqual([]);
  return boundPort(sockets);
}

/** The settings that `openssl s_client` with these options negotiates; null without a handshake. */
async function agreed(port: number, ...options: string[]): Promise<{ version: string; cipher: string } | null> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'a.test', '-brief', ...options]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  child.stdin.end();
  await once(child, 'close');
  const [version, cipher] = [/^Protocol version: (.*)$/m, /^Ciphersuite: (.*)$/m].map((pattern) => pattern.exec(output)?.[1]);
  return version === undefined || cipher === undefined ? null : { version, cipher };
}

/** The group and the protocol that Node negotiates with this offer. */
async function connect(port: number, options: tls.ConnectionOptions = {}): Promise<{ group: string; alpn: unknown }> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername: 'a.test', rejectUnauthorized: false, ...options });
  closeLater(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const group = (socket.getEphemeralKeyInfo() as { name?: string }).name ?? '';
  return { group, alpn: socket.alpnProtocol };
}

const WEAK = ['AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA256', 'DHE-RSA-AES128-GCM-SHA256'];

describe('by default', () => {
  test.each(WEAK)('refuses %s', async (cipher) => {
    expect(await agreed(await serve({}), '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`)).toBe(null);
  });

  test.each(['-tls1', '-tls1_1'])('refuses openssl %s', async (version) => {
    expect(await agreed(await serve({}), version, '-cipher', 'ALL:@SECLEVEL=0')).toBe(null);
  });

  test.each([
    ['-tls1_2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['-tls1_2', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ])('negotiates %s with %s', async (version, cipher) => {
    expect(await agreed(await serve({}), version, '-cipher', cipher)).toEqual({ version: 'TLSv1.2', cipher });
  });

  test('negotiates a post-quantum key exchange if the peer supports it', async () => {
    const port = await serve({});
    await expect(connect(port, { ecdhCurve: 'X25519MLKEM768' })).resolves.toBeDefined();
    await expect(connect(port, { ecdhCurve: 'P-256' })).resolves.toMatchObject({ group: 'prime256v1' });
  });
});

describe('settings', () => {
  test('the oldest version', async () => {
    const port = await serve({ minVersion: '1.3' });
    expect(await agreed(port, '-tls1_2')).toBe(null);
    expect(await agreed(port)).toMatchObject({ version: 'TLSv1.3' });
  });

  test('the newest version', async () => {
    const port = await serve({ maxVersion: '1.2' });
    expect(await agreed(port, '-tls1_3')).toBe(null);
    expect(await agreed(port)).toMatchObject({ version: 'TLSv1.2' });
  });

  test('suites of TLS 1.2 do not change those of TLS 1.3', async () => {
    const port = await serve({ cipherSuites: ['ECDHE-RSA-AES256-GCM-SHA384'] });
    expect(await agreed(port, '-tls1_2')).toEqual({ version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES256-GCM-SHA384' });
    expect(await agreed(port, '-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256')).toBe(null);
    expect(await agreed(port, '-ciphersuites', 'TLS_AES_128_GCM_SHA256')).toMatchObject({ version: 'TLSv1.3' });
  });

  test('suites of TLS 1.3 do not change those of TLS 1.2', async () => {
    const port = await serve({ cipherSuites: ['TLS_CHACHA20_POLY1305_SHA256'] });
    expect(await agreed(port)).toEqual({ version: 'TLSv1.3', cipher: 'TLS_CHACHA20_POLY1305_SHA256' });
    expect(await agreed(port, '-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256')).toBe(null);
    expect(await agreed(port, '-tls1_2')).toMatchObject({ version: 'TLSv1.2' });
  });

  test('key exchanges', async () => {
    const port = await serve({ keyExchanges: ['P-384'] });
    await expect(connect(port, { ecdhCurve: 'P-384:X25519' })).resolves.toMatchObject({ group: 'secp384r1' });
    await expect(connect(port, { ecdhCurve: 'X25519' })).rejects.toThrow();
  });

  test('protocols inside TLS, in the order of the listener', async () => {
    const only = await serve({ alpn: ['http/1.1'] });
    await expect(connect(only, { ALPNProtocols: ['h2', 'http/1.1'] })).resolves.toMatchObject({ alpn: 'http/1.1' });
    await expect(connect(only, { ALPNProtocols: ['h2'] })).rejects.toThrow(/no application protocol/i);
    const reversed = await serve({ alpn: ['http/1.1', 'h2'] });
    await expect(connect(reversed, { ALPNProtocols: ['h2', 'http/1.1'] })).resolves.toMatchObject({ alpn: 'http/1.1' });
    await expect(connect(await serve({}), { ALPNProtocols: ['http/1.1', 'h2'] })).resolves.toMatchObject({ alpn: 'h2' });
  });
});
