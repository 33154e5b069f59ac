// The server in Pods of tests: returns over HTTP what a container can see of itself, echoes datagrams, and fails probes on request.
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';

const PORT = 8080;
const UDP_PORT = 9090;
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Statuses of the probes; `GET /set/ready/503` changes one. */
const probes = new Map([
  ['ready', 200],
  ['live', 200],
]);

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Handlers by the first part of the path. */
const VERBS: Readonly<Record<string, (subject: string, value: string) => string | Reply | Promise<Reply>>> = {
  '': () => `${process.env['HOSTNAME']} ${process.env['VERSION'] ?? ''}`,
  ready: () => ({ status: probes.get('ready') ?? 404, body: '' }),
  live: () => ({ status: probes.get('live') ?? 404, body: '' }),
  set: (probe, status) => (probes.set(probe, Number(status)), ''),
  file: (file) => readFileSync(file, 'utf8'),
  env: (name) => process.env[name] ?? 'unset',
  get: (url) => get(http.get(url, { agent: false })),
  api: (target) => get(askApiServer(target)),
};

async function reply(path: string): Promise<Reply> {
  const [, verb = '', subject = '', value = ''] = path.split('/');
  const result = await VERBS[verb]?.(decodeURIComponent(subject), value);
  return typeof result === 'string' ? { status: 200, body: result } : (result ?? { status: 404, body: '' });
}

/** Calls the API server like any program in a Pod: by its Service, with the token of the Pod. */
function askApiServer(path: string): http.ClientRequest {
  const host = process.env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = process.env['KUBERNETES_SERVICE_PORT'] ?? '';
  const authorization = `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8')}`;
  return https.get({ host, port, path, agent: false, ca: readFileSync(`${ACCOUNT}/ca.crt`), headers: { authorization } });
}

async function get(request: http.ClientRequest): Promise<Reply> {
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}

const server = http.createServer((request, response) => {
  void reply(request.url ?? '')
    .catch((error: unknown) => ({ status: 500, body: String(error) }))
    .then(({ status, body }) => response.writeHead(status).end(body));
});
server.listen(PORT, () => console.log(`serving as process ${process.pid} of user ${process.getuid?.()}`));

const datagrams = dgram.createSocket('udp4');
datagrams.on('message', (_, { port, address }) => datagrams.send(process.env['HOSTNAME'] ?? '', port, address));
datagrams.bind(UDP_PORT);

process.on('SIGTERM', () => {
  console.log('SIGTERM');
  if (process.env['STUBBORN'] === '1') return;
  datagrams.close();
  server.close(() => process.exit(0));
});
