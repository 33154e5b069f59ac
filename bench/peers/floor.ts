// The floor: only copies bytes between sockets of the same Node. The difference to it is the cost of Weir, the rest is Node and kernel.
import path from 'node:path';
import type { Peer } from '../scenario.ts';

export const floor: Peer = {
  name: 'floor',
  carries: ({ downstream, upstream, upgrades }) => downstream !== 'h2' && upstream !== 'h2' && !upgrades,
  missing: () => null,
  command({ listenPort, originPort, certificate }) {
    const file = path.resolve(import.meta.dirname, certificate === null ? 'floor-proxy.ts' : 'floor-tls-proxy.ts');
    const files = certificate === null ? [] : [certificate.certificate, certificate.privateKey];
    return { file: process.execPath, args: [file, String(listenPort), String(originPort), ...files] };
  },
};
