// A backend on a real socket in the test's process: answers with its name and the request.
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';

/** The answer of a backend. */
export interface Echo {
  readonly backend: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class Backend {
  readonly name: string;
  readonly #server: http.Server;
  /** Requests answered. */
  requests = 0;

  constructor(name: string) {
    this.name = name;
    this.#server = http.createServer((request, response) => {
      this.requests++;
      request.resume();
      request.on('end', () => {
        const body = JSON.stringify({ backend: name, method: request.method, url: request.url, headers: request.headers });
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
        response.end(body);
      });
    });
  }

  async start(port = 0, address = '127.0.0.1'): Promise<this> {
    this.#server.listen(port, address);
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
