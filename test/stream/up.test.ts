// `weir up` with a TCPRoute, a TLSRoute and a UDPRoute from files: from the user's objects to bytes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { TestCa } from '../support/certificates.ts';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

let folder = '';
let ports: readonly number[] = [];
let backends: readonly net.Server[] = [];
let echo: dgram.Socket;
let ca: TestCa;
let weir: Child;

function portOf(server: net.Server | undefined): number {
  return (server?.address() as net.AddressInfo).port;
}

/** All bytes of a socket until its end. */
async function readAll(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'end');
  socket.destroy();
  return text;
}

function objects(): string {
  const [tcp, tlsPort] = ports;
  const backend = (name: string, port: number): string =>
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: ${name} }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${port} }] }`;
  const route = (kind: string, section: string, rest: string): string =>
    `apiVersion: gateway.networking.k8s.io/v1\nkind: ${kind}\nmetadata: { name: ${section} }\nspec:\n  parentRefs: [{ name: edge, sectionName: ${section} }]\n${rest}  rules: [{ backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: ${section} }] }]`;
  return [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    [
      'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: edge }\nspec:\n  gatewayClassName: weir\n  listeners:',
      `    - { name: plain, port: ${tcp}, protocol: TCP }`,
      `    - { name: datagrams, port: ${tcp}, protocol: UDP }`,
      `    - { name: sealed, port: ${tlsPort}, protocol: TLS, hostname: "*.test", tls: { mode: Passthrough } }`,
    ].join('\n'),
    ...[backend('plain', portOf(backends[0])), backend('sealed', portOf(backends[1])), backend('datagrams', echo.address().port)],
    ...[route('TCPRoute', 'plain', ''), route('UDPRoute', 'datagrams', ''), route('TLSRoute', 'sealed', '  hostnames: [a.test]\n')],
  ].join('\n---\n');
}

beforeAll(async () => {
  ca = await TestCa.create();
  const { certificate, privateKey } = await ca.issue('a.test', 'DNS:a.test');
  const plain = net.createServer((socket) => socket.end('plain'));
  const sealed = tls.createServer({ cert: readFileSync(certificate), key: readFileSync(privateKey) }, (socket) => socket.end('sealed'));
  backends = [plain, sealed];
  for (const server of backends) await once(server.listen(0, '127.0.0.1'), 'listening');
  echo = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  echo.on('message', (message, { port, address }) => echo.send(message, port, address));
  await once(echo, 'listening');
  ports = await freePorts(2);
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-stream-'));
  writeFileSync(path.join(folder, 'all.yaml'), objects());
  weir = new Child([
    'up',
    folder,
    '--admin-port',
    'off',
    '--probe-port',
    'off',
    '--drain-delay',
    '0s',
    '--drain-timeout',
    '1s',
    '--workers',
    '2',
    '--datagram-idle-timeout',
    '100ms',
  ]);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir?.stop();
  for (const server of backends) server.close();
  echo?.close();
  rmSync(folder, { recursive: true, force: true });
  await ca?.remove();
});

describe('weir up', () => {
  test('logs its addresses', () => {
    expect(weir.output).toContain(`listener default/edge/plain on tcp://127.0.0.1:${ports[0]}\n`);
    expect(weir.output).toContain(`listener default/edge/sealed on tls://*.test:${ports[1]}\n`);
  });

  test('serves a TCPRoute, and logs the connection', async () => {
    expect(await readAll(net.connect(ports[0] ?? 0, '127.0.0.1'))).toBe('plain');
    const [line] = await weir.printed(/\{.*"route":"TCPRoute\/default\/plain\/0".*\}/);
    const fields = { receivedBytes: 0, sentBytes: 5, protocol: 'tcp', listener: 'default/edge/plain', remoteAddress: '127.0.0.1' };
    expect(JSON.parse(line)).toMatchObject({ ...fields, endpoint: `127.0.0.1:${portOf(backends[0])}` });
  });

  test('serves a TLSRoute, and logs the server name', async () => {
    const socket = tls.connect({ port: ports[1] ?? 0, host: '127.0.0.1', servername: 'a.test', ca: readFileSync(ca.certificate) });
    expect(await readAll(socket)).toBe('sealed');
    const [line] = await weir.printed(/\{.*"route":"TLSRoute\/default\/sealed\/0".*\}/);
    expect(JSON.parse(line)).toMatchObject({ protocol: 'tls', serverName: 'a.test', listener: 'default/edge/sealed' });
  });

  test('serves a UDPRoute from several workers, and logs the session', async () => {
    for (let i = 0; i < 10; i++) {
      const peer = dgram.createSocket('udp4');
      peer.send(`datagram ${i}`, ports[0], '127.0.0.1');
      const [answer] = (await once(peer, 'message')) as [Buffer];
      peer.close();
      expect(String(answer)).toBe(`datagram ${i}`);
    }
    const [line] = await weir.printed(/\{.*"route":"UDPRoute\/default\/datagrams\/0".*\}/);
    expect(JSON.parse(line)).toMatchObject({ protocol: 'udp', receivedBytes: 10, sentBytes: 10, listener: 'default/edge/datagrams' });
  });

  test('the files are valid', async () => {
    expect(await runWeir(['validate', folder])).toMatchObject({ code: 0, stdout: '9 objects, 0 errors, 0 warnings\n' });
  });
});
