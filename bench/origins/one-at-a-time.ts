// The endpoints of `balancing`: each answers one request after the other, with a fixed time per request; the first is ten times slower.
//
//   node bench/origins/one-at-a-time.ts PORT...
import http from 'node:http';

const SERVICE_MS = 4;
const SLOWDOWN = 10;

process.argv.slice(2).forEach((port, index) => {
  const ms = index === 0 ? SERVICE_MS * SLOWDOWN : SERVICE_MS;
  let free = 0;
  http
    .createServer((_request, response) => {
      const now = performance.now();
      free = Math.max(now, free) + ms;
      setTimeout(() => response.end('ok'), free - now);
    })
    .listen({ port: Number(port), host: '127.0.0.1' });
});
