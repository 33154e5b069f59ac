// A backend in a process of its own, which a test can stop: `mjs http1|http2`. Its queue for connections is short.
import http from 'node:http';
import http2 from 'node:http2';

const answer = (request, response) => {
  request.resume();
  if (request.url !== '/never') response.end('frozen');
};
const server = process.argv[2] === 'http2' ? http2.createServer(answer) : http.createServer(answer);
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
