// Two thousand clients of each kind that send or read one byte every five seconds, and a normal client that must not notice them. Runs
// with Weir's defaults, and with HAProxy and nginx if installed. As root: in its own network namespace.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Finding, SoakScenario } from './scenario.ts';

/** Small kernel buffers for clients that do not read: larger ones would take the whole answer. */
const NETWORK =
  'ip link set lo up && sysctl -qw net.ipv4.tcp_wmem="4096 16384 65536" net.ipv4.tcp_rmem="4096 16384 65536" net.core.somaxconn=8192';

export const slowClients: SoakScenario = {
  name: 'slow-clients',
  about: '2000 slow clients of each kind; a normal client loses none of 350 requests',
  async run(): Promise<readonly Finding[]> {
    const site = path.join(import.meta.dirname, 'slow-site.ts');
    const command = `${NETWORK} && exec setpriv --pdeathsig KILL "$0" "$1"`;
    const child = spawn('unshare', ['--net', 'sh', '-c', command, process.execPath, site], { stdio: ['ignore', 'pipe', 'inherit'] });
    const findings: Finding[] = [];
    const gone = once(child, 'close');
    for await (const line of createInterface({ input: child.stdout })) findings.push(JSON.parse(line) as Finding);
    await gone;
    if (child.exitCode !== 0) throw new Error(`the site ended with ${child.exitCode}`);
    return findings;
  },
};
