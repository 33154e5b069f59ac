// Backends for every kind of traffic behind a Gateway `gw`, in the test's process, and the objects that lead to them.
import { expect } from '@jest/globals';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { EchoServer } from '../grpc/echo.ts';
import { Backend } from './backend.ts';
import { grpcCalls, http2Streams, keptConnection, newConnections, webSocketEchoes } from './flows.ts';
import { httpRoute, serviceOf } from './objects.ts';
import type { Flow, TrafficResult } from './traffic.ts';

/** The listeners of the Gateway: HTTPRoutes and GRPCRoutes for any host cannot share one. */
export const TRAFFIC_LISTENERS = [
  { name: 'http', port: 80 },
  { name: 'grpc', port: 8080 },
] as const;

const [HTTP, GRPC] = TRAFFIC_LISTENERS;

export class TrafficBackends {
  /** Services and their endpoints, and routes at the listeners. */
  readonly objects: readonly object[];
  readonly #backend: Backend;
  readonly #echo: EchoServer;
  readonly #webSockets: WebSocketServer;

  private constructor(address: string, backend: Backend, echo: EchoServer, webSockets: WebSocketServer) {
    this.#backend = backend;
    this.#echo = echo;
    this.#webSockets = webSockets;
    this.objects = [
      ...serviceOf('app', { address, port: backend.port }),
      ...serviceOf('calls', { address, port: echo.port, appProtocol: 'kubernetes.io/h2c' }),
      ...serviceOf('socket', { address, port: (webSockets.address() as AddressInfo).port }),
      httpRoute('app', 'app', [`gw/${HTTP.name}`]),
      httpRoute('socket', 'socket', [`gw/${HTTP.name}`]),
      {
        ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GRPCRoute', metadata: { name: 'calls' } },
        spec: { parentRefs: [{ name: 'gw', sectionName: GRPC.name }], rules: [{ backendRefs: [{ name: 'calls', port: 80 }] }] },
      },
    ];
  }

  /** `address`: an address of this machine that proxies can reach. */
  static async start(address: string): Promise<TrafficBackends> {
    const webSockets = new WebSocketServer({ host: address, port: 0 });
    webSockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
    const [backend, echo] = await Promise.all([
      new Backend('app').start(0, address),
      EchoServer.start('', [], undefined, address),
      once(webSockets, 'listening'),
    ]);
    return new TrafficBackends(address, backend, echo, webSockets);
  }

  /** Traffic of every kind to the Gateway at an address. */
  flows(gateway: string): readonly Flow[] {
    const url = `http://${gateway}/app`;
    return [
      keptConnection(url),
      newConnections(url),
      http2Streams(url),
      grpcCalls(`${gateway}:${GRPC.port}`),
      webSocketEchoes(`ws://${gateway}/socket`),
    ];
  }

  async stop(): Promise<void> {
    this.#echo.close();
    for (const client of this.#webSockets.clients) client.terminate();
    this.#webSockets.close();
    await this.#backend.stop().catch(() => undefined);
  }
}

/** Checks that every kind of traffic has had answers, and none failed. */
export function unharmed({ byFlow, failures }: TrafficResult): void {
  expect(failures).toEqual([]);
  expect(Object.keys(byFlow)).toHaveLength(5);
  for (const count of Object.values(byFlow)) expect(count).toBeGreaterThan(20);
}
