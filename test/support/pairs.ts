// Objects of a Gateway with HTTPS listeners whose Secrets change, and a client that reads the certificate of the answer.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { IssuedFiles, TestCa } from './certificates.ts';

/** The port of the listeners. */
export const HTTPS_PORT = 443;

const GATEWAY_API = 'gateway.networking.k8s.io/v1';

/** The class, a route of the Gateway for all hosts, and its backend on loopback. */
export function objectsAround(upstreamPort: number): readonly object[] {
  const weir = 'gateway.weir.dev/v1alpha1';
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  const endpoints = [{ ip: '127.0.0.1', port: upstreamPort }];
  return [
    { apiVersion: GATEWAY_API, kind: 'GatewayClass', metadata: { name: 'weir' }, spec: { controllerName: 'gateway.weir.dev/controller' } },
    { apiVersion: weir, kind: 'Backend', metadata: { name: 'app', namespace: 'default' }, spec: { endpoints } },
    {
      apiVersion: GATEWAY_API,
      kind: 'HTTPRoute',
      metadata: { name: 'all', namespace: 'default' },
      spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs }] },
    },
  ];
}

/** Certificates of one CA: one for all hosts, two for one host, and an expired one for that host. */
export interface EdgePairs {
  readonly wild: IssuedFiles;
  readonly one: IssuedFiles;
  readonly next: IssuedFiles;
  readonly expired: IssuedFiles;
}

export async function issuePairs(ca: TestCa): Promise<EdgePairs> {
  return {
    wild: await ca.issue('wild', 'DNS:*.app.test'),
    one: await ca.issue('one', 'DNS:one.app.test'),
    next: await ca.issue('next', 'DNS:one.app.test'),
    expired: await ca.issueAs('expired', { names: 'DNS:one.app.test', hours: [-48, -1] }),
  };
}

/** Gateway `edge`. */
export function gatewayOf(listeners: readonly object[], spec: object = {}): object {
  const metadata = { name: 'edge', namespace: 'default' };
  return { apiVersion: GATEWAY_API, kind: 'Gateway', metadata, spec: { gatewayClassName: 'weir', listeners, ...spec } };
}

export function listenerFor(name: string, hostname: string, secret: string, namespace = 'default'): object {
  return { name, hostname, port: HTTPS_PORT, protocol: 'HTTPS', tls: { certificateRefs: [{ name: secret, namespace }] } };
}

export function secretWith(name: string, pair: Partial<Record<keyof IssuedFiles, string | undefined>> = {}): object {
  const read = (file: string | undefined) => (file === undefined ? '' : readFileSync(file, 'utf8'));
  const stringData = { 'tls.crt': read(pair.certificate), 'tls.key': read(pair.privateKey) };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, type: 'kubernetes.io/tls', stringData };
}

/** Lets Gateways of namespace default refer to Secrets of another. */
export function grantFrom(namespace: string): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'ReferenceGrant',
    metadata: { name: 'edge', namespace },
    spec: { from: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default' }], to: [{ group: '', kind: 'Secret' }] },
  };
}

/**
 * The outcome for a client with a server name: the status of its request and the common name of the certificate; or the code of the failed
 * handshake.
 */
export async function askFor(port: number, serverName: string, host = serverName): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: serverName, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    const name = socket.getPeerX509Certificate()?.subject.replace('CN=', '') ?? '';
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return `${answer.toString('latin1').split(' ')[1]} ${name}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}
