// Collectors that take nothing as they should: over HTTP, each answer by a script.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeldUntil } from './held-until.ts';

/** One request that came. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export class FaultyCollector {
  readonly #server: Server;
  readonly #requests = new HeldUntil<Received>();
  #answer: (response: ServerResponse) => void = (response) => void response.end();

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<FaultyCollector> {
    const collector = new FaultyCollector();
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How later requests are answered, after their whole body. */
  answerWith(answer: (response: ServerResponse) => void): void {
    this.#answer = answer;
  }

  /** The next request that came. */
  next(): Promise<Received> {
    return this.#requests.next();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    this.#requests.add({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
    this.#answer(response);
  }
}
