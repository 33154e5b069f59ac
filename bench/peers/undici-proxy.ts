// The process of the undici peer: forwards every request to the origin, with copied headers.
import http from 'node:http';
import { Pool } from 'undici';

const [listenPort, originPort] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${originPort}`, { connections: 256, pipelining: 1 });

http
  .createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { connection, ...headers } = request.headers;
    pool.dispatch(
      { path: request.url ?? '/', method: (request.method ?? 'GET') as 'GET', headers, body: null },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_, status, answer) => void response.writeHead(status, answer),
        onResponseData: (_, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  })
  .listen(listenPort, '127.0.0.1');
