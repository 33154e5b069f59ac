// nginx: one worker, keep-alive to the origin, one location per route. It is also the origin of every benchmark.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { routePath } from '../scenario.ts';
import type { Peer, Protocol, Scenario } from '../scenario.ts';

const NGINX = '/usr/sbin/nginx';
const missing = (): string | null => (existsSync(NGINX) ? null : 'apt-get install nginx-light');

function wrap(folder: string, name: string, http: readonly string[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `  ${kind}_temp_path ${folder}/${name}-${kind};`);
  return [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/${name}.pid;`,
    `error_log ${folder}/${name}.log;`,
    'events { worker_connections 20000; }',
    'http {',
    '  access_log off;',
    '  keepalive_requests 1000000000;',
    '  http2_max_concurrent_streams 1024;',
    ...temporary,
    ...http,
    '}',
    '',
  ].join('\n');
}

function peer(name: string, caches: boolean): Peer {
  return {
    name,
    ...(caches ? { plain: 'nginx' } : {}),
    carries: ({ upstream }) => upstream === 'http1',
    missing,
    command(scenario) {
      const file = path.join(scenario.folder, `${name}.conf`);
      writeFileSync(file, wrap(scenario.folder, name, serverLines(scenario, caches)));
      return { file: NGINX, args: ['-c', file, '-p', scenario.folder] };
    },
  };
}

export const nginx = peer('nginx', false);

/** With its cache. */
export const cachingNginx = peer('nginx-cache', true);

function tlsLines({ certificate }: Scenario): string[] {
  if (certificate === null) return [];
  return [
    `    ssl_certificate ${certificate.certificate}; ssl_certificate_key ${certificate.privateKey};`,
    '    ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;',
  ];
}

function serverLines(scenario: Scenario, caches: boolean): string[] {
  const connection = scenario.upgrades ? '"upgrade"; proxy_set_header Upgrade $http_upgrade' : '""';
  const forward = `proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ${connection}; proxy_set_header X-Forwarded-For $remote_addr;`;
  const store = caches ? ' proxy_cache answers;' : '';
  return [
    ...(caches ? [`  proxy_cache_path ${scenario.folder}/answers keys_zone=answers:10m max_size=64m use_temp_path=off;`] : []),
    `  upstream origin { server 127.0.0.1:${scenario.originPort}; keepalive 256; keepalive_requests 1000000000; }`,
    '  server {',
    `    listen 127.0.0.1:${scenario.listenPort}${scenario.certificate === null ? '' : ' ssl'}${scenario.downstream === 'h2' ? ' http2' : ''};`,
    ...tlsLines(scenario),
    ...Array.from({ length: scenario.routes }, (_, index) => `    location ${routePath(index)} { ${forward}${store} }`),
    '  }',
  ];
}

const HELLO = JSON.stringify({ message: 'hello from the origin', padding: '0123456789abcdef' });

function originOf(folder: string, port: number, protocol: Protocol, location: string): { file: string; args: string[] } {
  const file = path.join(folder, 'origin.conf');
  const lines = [
    '  server {',
    `    listen 127.0.0.1:${port}${protocol === 'h2' ? ' http2' : ''};`,
    '    default_type application/json;',
    `    location / { ${location} }`,
    '  }',
  ];
  writeFileSync(file, wrap(folder, 'origin', lines));
  return { file: NGINX, args: ['-c', file, '-p', folder] };
}

/** The origin: 63 bytes of JSON to every request, in HTTP/1.1 or, by prior knowledge, HTTP/2. */
export const origin = {
  missing,
  command: (folder: string, port: number, protocol: Protocol = 'http1') => originOf(folder, port, protocol, `return 200 '${HELLO}';`),
};

/** The same with 1 KiB that caches may store for an hour. */
export const cacheableOrigin = {
  missing,
  command: (folder: string, port: number) =>
    originOf(folder, port, 'http1', `add_header Cache-Control max-age=3600; return 200 '${'a'.repeat(1_024)}';`),
};
