// HAProxy: one thread, keep-alive on both sides, routed by path prefix through a map, as its users do with many routes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { routePath } from '../scenario.ts';
import type { Peer, Scenario } from '../scenario.ts';

/** HAProxy wants certificate and key in one file. */
function tlsOf({ folder, certificate }: Scenario): string {
  if (certificate === undefined) return '';
  const file = path.join(folder, 'haproxy.pem');
  writeFileSync(file, Buffer.concat([readFileSync(certificate.certificate), readFileSync(certificate.privateKey)]));
  return ` ssl crt ${file} alpn http/1.1 ssl-min-ver TLSv1.3 ciphersuites TLS_AES_256_GCM_SHA384`;
}

function configuration(scenario: Scenario, mapFile: string): string {
  return [
    'global',
    '  nbthread 1',
    '  maxconn 8000',
    'defaults',
    '  mode http',
    '  timeout client 60s',
    '  timeout server 60s',
    '  timeout connect 5s',
    '  http-reuse always',
    'frontend in',
    `  bind 127.0.0.1:${scenario.listenPort}${tlsOf(scenario)}`,
    `  use_backend %[path,map_beg(${mapFile})]`,
    'backend origin',
    '  option forwardfor',
    `  server o1 127.0.0.1:${scenario.originPort}`,
    '',
  ].join('\n');
}

export const haproxy: Peer = {
  name: 'haproxy',
  terminatesTls: true,
  missing: () => (existsSync('/usr/sbin/haproxy') ? null : 'apt-get install haproxy'),
  command(scenario) {
    const mapFile = path.join(scenario.folder, 'haproxy.map');
    const file = path.join(scenario.folder, 'haproxy.cfg');
    writeFileSync(mapFile, Array.from({ length: scenario.routes }, (_, index) => `${routePath(index)} origin\n`).join(''));
    writeFileSync(file, configuration(scenario, mapFile));
    return { file: '/usr/sbin/haproxy', args: ['-f', file, '-db'] };
  },
};
