// HAProxy: one thread, keep-alive on both sides, routes by path prefix in a map, as usual with many routes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { originPorts, routePath } from '../scenario.ts';
import type { Peer, Scenario } from '../scenario.ts';

/** HAProxy needs certificate and key in one file. */
function tlsOf({ folder, certificate }: Scenario): string {
  if (certificate === null) return '';
  const file = path.join(folder, 'haproxy.pem');
  writeFileSync(file, Buffer.concat([readFileSync(certificate.certificate), readFileSync(certificate.privateKey)]));
  return ` ssl crt ${file} ssl-min-ver TLSv1.3 ciphersuites TLS_AES_256_GCM_SHA384`;
}

function protocolOf({ downstream, certificate }: Scenario): string {
  if (certificate !== null) return ` alpn ${downstream === 'h2' ? 'h2' : 'http/1.1'}`;
  return downstream === 'h2' ? ' proto h2' : '';
}

function routesOf(scenario: Scenario): string[] {
  if (scenario.downstream === 'tcp') return ['  default_backend origin'];
  const mapFile = path.join(scenario.folder, 'haproxy.map');
  writeFileSync(mapFile, Array.from({ length: scenario.routes }, (_, index) => `${routePath(index)} origin\n`).join(''));
  return [`  use_backend %[path,map_beg(${mapFile})]`];
}

function queueOf({ limits }: Scenario): string[] {
  if (limits === undefined) return [];
  return [`  timeout queue ${limits.pendingMs}ms`, '  http-request set-priority-class int(-1) if { req.hdr(x-priority) critical }'];
}

function serverLimits({ limits }: Scenario): string {
  return limits === undefined ? '' : ` maxconn ${limits.connections} maxqueue ${limits.pending}`;
}

/** Without a setting HAProxy has round robin. */
function balanceOf({ balancing }: Scenario): string[] {
  return balancing?.algorithm === 'least request' ? ['  balance random(2)'] : [];
}

function upstreamOf({ upstream }: Scenario): string {
  return upstream === 'h2' ? ' proto h2' : '';
}

/** What a peer does more. */
interface Extras {
  readonly logs?: boolean;
  readonly cache?: boolean;
}

const CACHE = ['cache answers', '  total-max-size 64', '  max-object-size 65536', '  max-age 3600'];

function configuration(scenario: Scenario, { logs = false, cache = false }: Extras): string {
  const isTcp = scenario.downstream === 'tcp';
  return [
    'global',
    '  nbthread 1',
    '  maxconn 8000',
    ...(logs ? ['  log stdout format raw local0'] : []),
    'defaults',
    `  mode ${isTcp ? 'tcp' : 'http'}`,
    ...(logs ? ['  log global', '  option httplog'] : []),
    '  timeout client 60s',
    '  timeout server 60s',
    '  timeout tunnel 60s',
    '  timeout connect 5s',
    ...(isTcp ? [] : ['  http-reuse always']),
    ...(cache ? CACHE : []),
    'frontend in',
    `  bind 127.0.0.1:${scenario.listenPort}${tlsOf(scenario)}${protocolOf(scenario)}`,
    ...routesOf(scenario),
    'backend origin',
    ...(isTcp ? [] : ['  option forwardfor']),
    ...(cache ? ['  http-request cache-use answers', '  http-response cache-store answers'] : []),
    ...queueOf(scenario),
    ...balanceOf(scenario),
    ...originPorts(scenario).map((port, i) => `  server o${i + 1} 127.0.0.1:${port}${upstreamOf(scenario)}${serverLimits(scenario)}`),
    '',
  ].join('\n');
}

function peer(name: string, extras: Extras): Peer {
  return {
    name,
    logs: extras.logs === true,
    ...(extras.cache === true ? { plain: 'haproxy' } : {}),
    carries: () => true,
    missing: () => (existsSync('/usr/sbin/haproxy') ? null : 'apt-get install haproxy'),
    command(scenario) {
      const file = path.join(scenario.folder, `${name}.cfg`);
      writeFileSync(file, configuration(scenario, extras));
      return { file: '/usr/sbin/haproxy', args: ['-f', file, '-db'] };
    },
  };
}

export const haproxy = peer('haproxy', {});

/** With `option httplog`. */
export const haproxyLog = peer('haproxy-log', { logs: true });

/** With its cache. */
export const cachingHaproxy = peer('haproxy-cache', { cache: true });
