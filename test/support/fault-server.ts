// An HTTP server with scripted answers, for faults that a real API server cannot produce on demand.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';

/** Answers one request. `url.searchParams` has the parameters of a list or watch. */
export type Answer = (url: URL, response: ServerResponse, request: IncomingMessage) => void;

export class FaultServer {
  readonly #server: Server;
  #answer: Answer = (_url, response) => void response.writeHead(500).end();

  constructor() {
    this.#server = createServer((request, response) => this.#answer(new URL(request.url ?? '/', 'http://fault'), response, request));
  }

  /** Sets the handler of later requests. */
  answer(answer: Answer): void {
    this.#answer = answer;
  }

  /** Resolves with a kubeconfig for this server. */
  async start(): Promise<KubeConfig> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const config = new KubeConfig();
    const { port } = this.#server.address() as AddressInfo;
    config.loadFromClusterAndUser({ name: 'fault', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, { name: 'nobody' });
    return config;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Sends a JSON answer. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
