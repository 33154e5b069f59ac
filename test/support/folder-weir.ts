// `weir up` with a folder of objects and a backend that records its requests: the base of sites for tests of what clients and backends see.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Child } from './child.ts';

/** A request as the backend got it; the body grows until its end. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  body: string;
}

const QUIET = ['--access-log', 'off'];

export class FolderWeir {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'weir-site-'));
  readonly backend: http.Server;
  /** The requests that the backend got, oldest first. */
  readonly requests: SeenRequest[] = [];
  #weir: Child | null = null;

  /** `respond` answers the requests at the backend. */
  constructor(respond: http.RequestListener) {
    this.backend = http.createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      const seen = { method, url, headers, body: '' };
      this.requests.push(seen);
      request.on('data', (chunk: Buffer) => (seen.body += chunk.toString()));
      respond(request, response);
    });
  }

  /** Starts the backend on its port, then `weir up`; resolves when it serves. */
  async serve(backendPort: number, args: readonly string[] = QUIET, env: NodeJS.ProcessEnv = {}): Promise<void> {
    this.backend.listen(backendPort, '127.0.0.1');
    await once(this.backend, 'listening');
    this.#weir = new Child(['up', this.folder, ...args], env);
    await this.#weir.printed(/serving/);
  }

  /** The running `weir`. */
  get weir(): Child {
    if (this.#weir === null) throw new Error('weir has not been started');
    return this.#weir;
  }

  /** What `weir up` has printed. */
  get output(): string {
    return this.#weir?.output ?? '';
  }

  /** Writes a file of the folder anew. */
  save(name: string, text: string): void {
    writeFileSync(path.join(this.folder, name), text);
  }

  async close(): Promise<void> {
    await this.#weir?.stop();
    this.backend.closeAllConnections();
    this.backend.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
