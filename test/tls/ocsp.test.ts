// OCSP stapling with a real responder (`openssl ocsp`) and a real client (`openssl s_client -status`).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { ListenerSockets } from '../../proxy/listener/listener-sockets.ts';
import { createFetch } from '../../proxy/listener/ocsp/fetch.ts';
import type { OcspFailure } from '../../proxy/listener/ocsp/stapler.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssueOptions } from '../support/certificates.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { startResponder } from '../support/ocsp-responder.ts';
import { until } from '../support/until.ts';

closeAfterEach();

let ca: TestCa;
beforeAll(async () => {
  ca = await TestCa.create();
});
afterAll(() => ca.remove());

async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** A certificate for a.test with the responder URL of this port, and its issuer. */
async function secret(key: string, responder: string, options: IssueOptions = {}): Promise<ir.Secret> {
  const extensions = [`authorityInfoAccess=OCSP;URI:${responder}`, ...(options.extensions ?? [])];
  const issued = await ca.issueAs('a.test', { names: 'DNS:a.test', ...options, extensions });
  const [leaf, privateKey, issuer] = [issued.certificate, issued.privateKey, ca.certificate].map((file) => readFileSync(file, 'utf8'));
  return { kind: 'Secret', key, certificate: `${leaf}${issuer}`, privateKey: privateKey ?? '' };
}

interface Serving {
  readonly sockets: ListenerSockets;
  readonly failures: OcspFailure[];
}

async function serve(
  secrets: readonly ir.Secret[],
  settings: ir.TlsSettings = { ocspStapling: true },
  allowLocal = true,
): Promise<Serving> {
  const wheel = new TimerWheel();
  const failures: OcspFailure[] = [];
  const connect = (socket: net.Socket) => {
    socket.on('error', () => undefined);
    return { idle: true, data: () => undefined, retire: () => undefined, drain: () => void socket.end() };
  };
  const sockets = new ListenerSockets({
    ...{ connect, limits: DEFAULT_LIMITS, wheel, drainTimeout: 1_000, bindPort: () => 0 },
    ...{ fetchOcsp: createFetch({ allowLocal }), ocspFailed: (failure: OcspFailure) => void failures.push(failure) },
  });
  closeLater(async () => {
    const closed = sockets.close(0);
    sockets.cut();
    await closed;
    wheel.stop();
  });
  const listener: ir.Listener = {
    ...{ kind: 'Listener', key: 'default/gateway/https', gateway: 'default/gateway', addresses: ['127.0.0.1'], port: 443 },
    ...{ protocol: 'HTTPS', hostname: '', tls: { mode: 'Terminate', certificates: secrets.map(({ key }) => key), settings } },
  };
  expect(await sockets.update([listener], new Map(secrets.map((each) => [each.key, each])))).toEqual([]);
  return { sockets, failures };
}

/** The staple that a client gets with its certificate: '' without one, null without a handshake. */
async function stapleOf({ sockets }: Serving, ...options: readonly string[]): Promise<{ status: string; verified: boolean } | null> {
  const target = ['-connect', `127.0.0.1:${sockets.boundPort(443)}`, '-servername', 'a.test', '-CAfile', ca.certificate];
  const child = spawn('openssl', ['s_client', ...target, '-status', ...options]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  child.stdin.end();
  await once(child, 'close');
  if (!output.includes('OCSP response:')) return null;
  const shown = new X509Certificate(/Server certificate\n(-----BEGIN[^]*?-----END CERTIFICATE-----)/.exec(output)?.[1] ?? '').serialNumber;
  const [, serial, found] = /Serial Number: (.*)\n\s*Cert Status: (.*)/.exec(output) ?? [];
  return { status: serial === shown ? (found ?? '') : '', verified: output.includes('Verify return code: 0 (ok)') };
}

const outcomes = ({ sockets }: Serving) => [...sockets.ocsp.outcomes];

describe('without an answer handshakes succeed', () => {
  test('if the port has no listener', async () => {
    const serving = await serve([await secret('cert', `http://127.0.0.1:${await freePort()}/`)]);
    await until(() => serving.failures.length === 1, 'a failure');
    expect(serving.failures[0]).toMatchObject({ certificate: 'a.test', outcome: 'unreachable', mustStaple: false });
    expect(await stapleOf(serving)).toEqual({ status: '', verified: true });
    expect(serving.sockets.ocsp.missing).toBe(1);
  });

  test.each(['127.0.0.1', '[::1]', '2130706433', '169.254.169.254', '[::ffff:127.0.0.1]', 'localhost', '0.0.0.0'])(
    'and %s is never asked',
    async (host) => {
      let asked = 0;
      const server = http.createServer((_, response) => response.end(String(asked++))).listen(0);
      closeLater(() => server.close());
      await once(server, 'listening');
      const serving = await serve(
        [await secret('cert', `http://${host}:${(server.address() as net.AddressInfo).port}/drain`)],
        undefined,
        false,
      );
      await until(() => serving.failures.length === 1, 'a failure');
      expect([serving.failures[0]?.outcome, asked]).toEqual(['refused_address', 0]);
    },
  );

  test.each([
    ['http_status', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['too_large', (response) => response.end(Buffer.alloc(1 << 20))],
    ['malformed', (response) => response.end('<html>')],
    ['unreachable', (response) => response.destroy()],
  ] satisfies [string, (response: http.ServerResponse) => unknown][])(
    'if the responder fails in another way (%s)',
    async (outcome, answer) => {
      const server = http.createServer((_, response) => answer(response)).listen(0, '127.0.0.1');
      closeLater(() => server.close());
      await once(server, 'listening');
      const serving = await serve([await secret('cert', `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`)]);
      await until(() => serving.failures.length === 1, 'a failure');
      expect(outcomes(serving)).toEqual([[outcome, 1]]);
      expect(await stapleOf(serving)).toMatchObject({ status: '' });
    },
  );

  test('while a responder is slow, also if the certificate is replaced meanwhile', async () => {
    const server = net.createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    closeLater(() => server.close());
    await once(server, 'listening');
    const serving = await serve([await secret('cert', `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`)]);
    expect(await stapleOf(serving)).toEqual({ status: '', verified: true });
    await serving.sockets.update([], new Map());
    expect(serving.sockets.ocsp.missing).toBe(0);
  });

  test('of a must-staple certificate they are counted, and OCSP is on by default', async () => {
    const must = await secret('cert', `http://127.0.0.1:${await freePort()}/`, { extensions: ['tlsfeature=status_request'] });
    const serving = await serve([must], {});
    await until(() => serving.failures.length === 1, 'a failure');
    expect(serving.failures[0]).toMatchObject({ mustStaple: true });
    await stapleOf(serving);
    expect(serving.sockets.ocsp.bare).toBe(1);
  });
});

describe('stapling', () => {
  test.each(['-tls1_2', '-tls1_3'])('staples the answer for clients that request it, with %s', async (version) => {
    const port = await freePort();
    const cert = await secret('cert', `http://127.0.0.1:${port}/`);
    const responder = await startResponder(ca, port);
    const serving = await serve([cert]);
    await until(() => serving.sockets.ocsp.missing === 0, 'an answer');
    expect(await stapleOf(serving, version)).toEqual({ status: 'good', verified: true });
    expect(await stapleOf(serving, version)).toEqual({ status: 'good', verified: true });
    expect(outcomes(serving)).toEqual([['good', 1]]);
    await responder.stop();
    expect(await stapleOf(serving, version)).toMatchObject({ status: 'good' });
  });

  test('is off by default, and sends no requests', async () => {
    const serving = await serve([await secret('cert', `http://127.0.0.1:${await freePort()}/`)], {});
    expect(await stapleOf(serving)).toEqual({ status: '', verified: true });
    expect([serving.sockets.ocsp.missing, outcomes(serving)]).toEqual([0, []]);
  });

  test.each([
    ['ECDSA+SHA256:RSA-PSS+SHA256', 'good'],
    ['RSA-PSS+SHA256:ECDSA+SHA256', 'good'],
    ['RSA-PSS+SHA256', 'good'],
  ])('of two certificates for one name staples the answer for the chosen one (%s)', async (sigalgs, status) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const pair = [await secret('ec', url), await secret('rsa', url, { key: 'rsa' })];
    await startResponder(ca, port);
    const serving = await serve(pair);
    await until(() => serving.sockets.ocsp.missing === 0, 'answers');
    expect(await stapleOf(serving, '-tls1_3', '-sigalgs', sigalgs)).toMatchObject({ status });
  });
});
