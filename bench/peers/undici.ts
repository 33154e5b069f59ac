// A minimal proxy: undici dispatch under node:http. The comparison shows the value of Weir's own codec.
import path from 'node:path';
import type { Peer } from '../scenario.ts';

export const undici: Peer = {
  name: 'undici',
  carries: ({ downstream, upstream, upgrades, tls }) => downstream === 'http1' && upstream === 'http1' && !upgrades && !tls,
  missing: () => null,
  command(scenario) {
    const file = path.resolve(import.meta.dirname, 'undici-proxy.ts');
    return { file: process.execPath, args: [file, String(scenario.listenPort), String(scenario.originPort)] };
  },
};
