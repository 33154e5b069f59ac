// The proxies of the slow client soak: Weir with its defaults, and HAProxy and nginx with room for the same number of connections.
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toUpstream } from '../support/proxy.ts';

/** A proxy in front of the backend, and its ports. */
export interface Running {
  readonly process: ChildProcess;
  readonly http1: number;
  readonly http2: number;
}

export interface SlowProxy {
  readonly name: string;
  readonly present: boolean;
  start(folder: string, origin: number): Promise<Running>;
}

/** Every port of the own network is free. */
const [HTTP1, HTTP2] = [8_080, 8_081];
const CONNECTIONS = 20_000;

const HAPROXY = (origin: number): string =>
  `global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend in
  bind 127.0.0.1:${HTTP1}
  bind 127.0.0.1:${HTTP2} proto h2
  default_backend origin
backend origin
  server o1 127.0.0.1:${origin}
`;

const NGINX = (folder: string, origin: number): string =>
  `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log;
events { worker_connections ${CONNECTIONS}; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n  ')}
  server {
    listen 127.0.0.1:${HTTP1};
    listen 127.0.0.1:${HTTP2} http2;
    location / { proxy_pass http://127.0.0.1:${origin}; }
  }
}
`;

async function startPeer(file: string, args: readonly string[]): Promise<Running> {
  const process = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  while (!(await isListening(HTTP2))) await delay(50);
  return { process, http1: HTTP1, http2: HTTP2 };
}

function isListening(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

export const PROXIES: readonly SlowProxy[] = [
  {
    name: 'weir',
    present: true,
    async start(_, origin) {
      const weir = fork(path.join(import.meta.dirname, 'websocket-proxy.ts'));
      weir.send({ resources: toUpstream(origin) });
      const [{ port }] = (await once(weir, 'message')) as [{ port: number }];
      return { process: weir, http1: port, http2: port };
    },
  },
  {
    name: 'haproxy',
    present: existsSync('/usr/sbin/haproxy'),
    start(folder, origin) {
      const file = path.join(folder, 'haproxy.cfg');
      writeFileSync(file, HAPROXY(origin));
      return startPeer('/usr/sbin/haproxy', ['-db', '-f', file]);
    },
  },
  {
    name: 'nginx',
    present: existsSync('/usr/sbin/nginx'),
    start(folder, origin) {
      const file = path.join(folder, 'nginx.conf');
      writeFileSync(file, NGINX(folder, origin));
      return startPeer('/usr/sbin/nginx', ['-c', file, '-p', folder]);
    },
  },
];
