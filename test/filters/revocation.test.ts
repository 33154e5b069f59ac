// A revoked Consumer and what it has open: the policy says whether requests under way and WebSockets end.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

const HEADERS = { 'x-api-key': 'k-alice-0123456789' };

let folder = '';
let port = 0;
let backend: http.Server;
let weir: Child;

function consumer(more: string): void {
  writeFileSync(
    path.join(folder, 'alice.yaml'),
    `
apiVersion: gateway.weir.dev/v1alpha1
kind: Consumer
metadata: { name: alice, namespace: default }
spec: { ${more}, credentials: [{ apiKey: { secretRef: { name: alice-key }, key: key } }] }
`,
  );
}

function route(name: string, revocation: string): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs: [{ name: g }]
  rules:
    - matches: [{ path: { value: /${name} } }]
      backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: app }]
---
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: ${name}, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: ${name} }]
  authentication: { apiKey: {} }
  revocation: { openRequests: ${revocation} }
`;
}

function manifest(backendPort: number): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: g, namespace: default }
spec: { gatewayClassName: weir, listeners: [{ name: http, port: ${port}, protocol: HTTP }] }
---
apiVersion: gateway.weir.dev/v1alpha1
kind: Backend
metadata: { name: app, namespace: default }
spec: { endpoints: [{ ip: 127.0.0.1, port: ${backendPort} }] }
---
apiVersion: v1
kind: Secret
metadata: { name: alice-key, namespace: default }
stringData: { key: k-alice-0123456789 }
---${route('close', 'Close')}---${route('keep', 'Keep')}`;
}

async function openWebSocket(route: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${route}`, { headers: HEADERS });
  await once(socket, 'open');
  return socket;
}

/** The status of a request whose backend never answers. */
async function hang(): Promise<number | undefined> {
  const request = http.get({ host: '127.0.0.1', port, path: '/close/hang', headers: HEADERS, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  return response.statusCode;
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-revocation-'));
  const [own = 0, backendPort = 0] = await freePorts(2);
  port = own;
  backend = http.createServer(({ url }, response) => void (url === '/close/hang' ? backend.emit('hangs') : response.end('ok')));
  const sockets = new WebSocketServer({ server: backend });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  backend.listen(backendPort, '127.0.0.1');
  await once(backend, 'listening');
  writeFileSync(path.join(folder, 'all.yaml'), manifest(backendPort));
  consumer('groups: [customers]');
  weir = new Child(['up', folder, '--access-log', 'off']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  backend.closeAllConnections();
  backend.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each([
  ['is disabled', 'groups: [customers], disabled: true'],
  ['loses a group', 'groups: []'],
])('a consumer that %s', (_, change) => {
  test('loses its WebSockets and requests under way where the policy closes them, and keeps the others', async () => {
    consumer('groups: [customers]');
    while ((await fetchStatus()) !== 200);
    const [closing, kept] = [await openWebSocket('close'), await openWebSocket('keep')];
    const closed = once(closing, 'close');
    const hanging = hang();
    await once(backend, 'hangs');
    consumer(change);
    expect((await closed)[0]).toBe(1008);
    expect(await hanging).toBe(401);
    kept.send('still here');
    expect(String((await once(kept, 'message'))[0])).toBe('still here');
    kept.close();
  });
});

async function fetchStatus(): Promise<number | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/close`, { headers: { ...HEADERS, connection: 'close' } });
  await response.arrayBuffer();
  return response.status;
}
