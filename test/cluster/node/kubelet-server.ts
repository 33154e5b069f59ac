// The kubelet server for the API server: logs, and ports that are forwarded over WebSockets.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import type { Container } from './container.ts';
import type { Kubelet } from './kubelet.ts';
import { followLog, readLog } from './log-file.ts';
import type { LogQuery } from './log-file.ts';
import { forwardPort } from './port-forward.ts';
import { KUBELET_PORT } from './registration.ts';
import type { NodeSettings } from './settings.ts';

/** Listens at the address of one node; clients without a certificate of the cluster are refused. */
export async function serveKubelet(kubelet: Kubelet, { files }: NodeSettings, address: string): Promise<void> {
  const credentials = { cert: readFileSync(files.kubeletCertificate), key: readFileSync(files.kubeletKey) };
  const clients = { ca: readFileSync(files.kubeletCa), requestCert: true, rejectUnauthorized: true };
  const server = https.createServer({ ...credentials, ...clients }, (request, response) => answer(kubelet, request, response));
  server.on('upgrade', (request, socket, head) => forwardPort(kubelet, request, socket, head));
  server.listen(KUBELET_PORT, address);
  await once(server, 'listening');
}

function answer(kubelet: Kubelet, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '', 'https://kubelet');
  const [, kind, namespace = '', pod = '', name = ''] = url.pathname.split('/');
  if (kind !== 'containerLogs') return refuse(response, 404, `this kubelet does not serve ${url.pathname}`);
  const container = kubelet.container(namespace, pod, name);
  if (container === undefined) return refuse(response, 404, `container ${name} of pod ${namespace}/${pod} is not here`);
  sendLog(container, url.searchParams, response);
}

function sendLog(container: Container, asked: URLSearchParams, response: ServerResponse): void {
  const query = queryOf(asked);
  const previous = asked.get('previous') === 'true';
  if (previous && container.status.restartCount === 0) return refuse(response, 400, 'there was no run before this one');
  const file = container.logFile(previous ? 'previous' : 'current');
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  response.write(readLog(file, query));
  const running = container.status.state.running !== undefined;
  if (asked.get('follow') !== 'true' || previous || !running) return void response.end();
  const done = new AbortController();
  response.on('close', () => done.abort());
  followLog(file, query, (text) => response.write(text), done.signal);
  // One turn later the rest of the log has been read.
  void container.ended().then(() => setTimeout(() => response.end(), 50));
}

function queryOf(asked: URLSearchParams): LogQuery {
  const number = (name: string) => (asked.has(name) ? Number(asked.get(name)) : null);
  const seconds = number('sinceSeconds');
  const time = asked.get('sinceTime');
  return {
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
    since: seconds === null ? (time === null ? null : Date.parse(time)) : Date.now() - seconds * 1_000,
    timestamps: asked.get('timestamps') === 'true',
  };
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(message);
}
