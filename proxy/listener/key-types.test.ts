// Certificates with different types of keys for one name: the choice depends on the algorithms of the peer.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import type { ListenerSockets } from './listener-sockets.ts';
import type { ListenerProblem } from './problem.ts';
import { secretOf } from '../../test/support/certificates.ts';
import { closeAfterEach, closeLater } from '../../test/support/fixture.ts';
import { boundPort, httpsListener, openListenerSockets } from '../../test/support/listener-sockets.ts';

const run = promisify(execFile);
const KEYS = {
  ecdsa: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['rsa:2048'],
  otherRsa: ['rsa:2048'],
  tooShort: ['rsa:512'],
} as const;

let folder: string;
const secrets = new Map<string, ir.Secret>();
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'weir-keys-'));
  for (const [name, kind] of Object.entries(KEYS)) {
    const [certificate, privateKey] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)];
    const files = ['-keyout', privateKey, '-out', certificate, '-nodes', '-days', '2'];
    await run('openssl', ['req', '-x509', '-newkey', ...kind, ...files, '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:a.test']);
    secrets.set(name, secretOf(name, { certificate, privateKey }));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

closeAfterEach();

async function serve(
  certificates: readonly string[],
): Promise<{ readonly sockets: ListenerSockets; readonly problems: ListenerProblem[] }> {
  const connect = (socket: net.Socket) => {
    socket.on('error', () => undefined);
    return { idle: true, data: () => undefined, retire: () => undefined, drain: () => void socket.destroy() };
  };
  const { sockets } = openListenerSockets({ connect });
  const listener = httpsListener(certificates, { hostname: 'a.test' });
  return { sockets, problems: await sockets.update([listener], secrets) };
}

/** Common name of the certificate for a peer with these algorithms. */
async function presented(sockets: ListenerSockets, options: tls.ConnectionOptions): Promise<unknown> {
  const port = boundPort(sockets);
  const socket = tls.connect({ host: '127.0.0.1', port, servername: 'a.test', rejectUnauthorized: false, ...options });
  closeLater(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket.getPeerCertificate().subject.CN;
}

const ONLY_ECDSA = { sigalgs: 'ecdsa_secp256r1_sha256' };
const ONLY_RSA = { sigalgs: 'rsa_pss_rsae_sha256' };
const SUITE_ECDSA: tls.ConnectionOptions = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' };
const SUITE_RSA: tls.ConnectionOptions = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };

describe('ECDSA and RSA side by side', () => {
  test.each([
    ['TLS 1.3, ECDSA', ONLY_ECDSA, 'ecdsa'],
    ['TLS 1.3, RSA', ONLY_RSA, 'rsa'],
    ['TLS 1.2, ECDSA', SUITE_ECDSA, 'ecdsa'],
    ['TLS 1.2, RSA', SUITE_RSA, 'rsa'],
  ])('%s', async (_, options, expected) => {
    const { sockets, problems } = await serve(['ecdsa', 'rsa']);
    expect(problems).toEqual([]);
    expect(await presented(sockets, options)).toBe(expected);
  });

  test('a peer without a common algorithm is refused and counted', async () => {
    const { sockets } = await serve(['ecdsa']);
    await expect(presented(sockets, ONLY_RSA)).rejects.toThrow(/handshake failure/i);
    expect(sockets.handshakes.failures).toEqual(new Map([['tls_error', 1]]));
  });

  test('the first of two certificates with the same type serves', async () => {
    const { sockets } = await serve(['otherRsa', 'rsa', 'ecdsa']);
    expect(await presented(sockets, ONLY_RSA)).toBe('otherRsa');
    expect(await presented(sockets, ONLY_ECDSA)).toBe('ecdsa');
  });

  test('a key that is too short for OpenSSL disables only its certificate', async () => {
    const { sockets, problems } = await serve(['tooShort', 'ecdsa']);
    expect(problems).toEqual([
      { listener: 'default/gateway/https', reason: 'InvalidCertificate', message: expect.stringMatching(/tooShort: .*too small/) },
    ]);
    expect(await presented(sockets, {})).toBe('ecdsa');
  });
});
