// The origin of `overload`: it works on a few requests at a time, each for a fixed time, and the others wait in it without limit, as in an
// application with a pool of threads. So its capacity is known: SLOTS requests per MS milliseconds.
//
//   node bench/origins/limited.ts PORT SLOTS MS
import http from 'node:http';

const [port = 0, slots = 1, ms = 1] = process.argv.slice(2).map(Number);

const waiting: http.ServerResponse[] = [];
let busy = 0;

function serve(response: http.ServerResponse): void {
  busy++;
  setTimeout(() => {
    busy--;
    response.end('ok');
    const next = waiting.shift();
    if (next !== undefined) serve(next);
  }, ms);
}

http
  .createServer({ keepAliveTimeout: 0 }, (_, response) => {
    response.setHeader('content-length', 2);
    if (busy < slots) serve(response);
    else waiting.push(response);
  })
  .listen(port, '127.0.0.1');
