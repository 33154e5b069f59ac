// The backends of the quick start. Each answers with its name and the request, so that users see the routing.
import http from 'node:http';
import type { Backend } from '#api/k8s/k8s.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { readOnce } from '../controller/watch/folder.ts';
import { UsageError } from './command.ts';

/** A running demo backend. */
export interface DemoBackend {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a demo backend for each loopback endpoint of the Backends in a folder. Rejects if a port is in use. */
export async function startDemoBackends(folder: string): Promise<DemoBackend[]> {
  const { objects } = await readOnce([folder]);
  const backends = objects.filter((object): object is Backend => object.kind === 'Backend');
  const local = backends.flatMap(({ metadata, spec }) =>
    (spec.endpoints ?? []).filter(({ ip }) => ip === '127.0.0.1').map(({ ip, port }) => startDemoBackend(metadata.name, ip, port)),
  );
  return Promise.all(local);
}

async function startDemoBackend(name: string, address: string, port: number): Promise<DemoBackend> {
  const server = http.createServer((request, response) => {
    const body = JSON.stringify({ backend: name, method: request.method, url: request.url, headers: request.headers }, null, 2);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 });
    response.end(`${body}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      const reason = isSystemError(error) ? describeSystemError(error) : error.message;
      reject(new UsageError(`--demo: the backend ${name} cannot start: ${reason}`));
    };
    server.once('error', failed);
    server.listen(port, address, resolve);
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { name, address, port, stop };
}
