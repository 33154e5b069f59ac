// The backends of the quick start: each says which one it is and what it was asked, so that routing can be seen.
import http from 'node:http';

/** A demo backend that answers on a port. */
export interface DemoBackend {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one. Rejects when the port is taken. */
export async function startDemoBackend(name: string, port: number): Promise<DemoBackend> {
  const server = http.createServer((request, response) => {
    const body = JSON.stringify({ backend: name, method: request.method, url: request.url, headers: request.headers }, null, 2);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 });
    response.end(`${body}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { name, port, stop };
}
