// `weir up` with one route to a backend that tells what it got.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Child } from './child.ts';
import { freePorts } from './free-port.ts';
import { backendSite } from './objects.ts';

/** A request as the backend got it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request of a test. */
export interface AppRequest {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: http.OutgoingHttpHeaders | readonly string[];
  readonly body?: string;
}

export class ProtectedApp {
  readonly port: number;
  readonly weir: Child;
  /** The requests that the backend got. */
  readonly seen: SeenRequest[] = [];
  readonly #folder: string;
  readonly #backend: http.Server;

  private constructor(port: number, folder: string, backend: http.Server, weir: Child) {
    this.port = port;
    this.#folder = folder;
    this.#backend = backend;
    this.weir = weir;
    backend.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => void this.#answer(request, response));
  }

  /** `manifest`: objects besides the route `app`. */
  static async open(manifest: string, args: readonly string[] = ['--access-log', 'off']): Promise<ProtectedApp> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-protected-'));
    const [port = 0, backendPort = 0] = await freePorts(2);
    const backend = http.createServer().listen(backendPort, '127.0.0.1');
    await once(backend, 'listening');
    const site = backendSite(port, 'app', { endpoints: [{ ip: '127.0.0.1', port: backendPort }] });
    writeFileSync(path.join(folder, 'site.json'), site);
    writeFileSync(path.join(folder, 'policy.yaml'), manifest);
    const app = new ProtectedApp(port, folder, backend, new Child(['up', folder, ...args]));
    await app.weir.printed(/serving/);
    return app;
  }

  /** The last request that the backend got. */
  get last(): SeenRequest {
    const last = this.seen.at(-1);
    if (last === undefined) throw new Error('the backend got no request');
    return last;
  }

  /** Writes a file with objects. */
  write(name: string, manifest: string): void {
    writeFileSync(path.join(this.#folder, name), manifest);
  }

  async ask({ method = 'GET', url = '/', headers = {}, body = '' }: AppRequest): Promise<http.IncomingMessage & { text: string }> {
    const request = http.request({ host: '127.0.0.1', port: this.port, method, path: url, headers, agent: false });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return Object.assign(response, { text });
  }

  async status(request: AppRequest): Promise<number | undefined> {
    return (await this.ask(request)).statusCode;
  }

  async close(): Promise<void> {
    await this.weir.stop();
    this.#backend.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    this.seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    response.end('ok');
  }
}
