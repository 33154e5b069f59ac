// HAProxy as a backend that requires the PROXY protocol: it answers every request with the content of the connection's header.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IssuedFiles } from './certificates.ts';
import { freePorts } from './free-port.ts';

/** The answer of HAProxy: client address, local address, and the authority of version 2 (empty without one). */
const ANSWER = '%[src] %[src_port] %[dst] %[dst_port] %[fc_pp_authority]';

/** Its ports, one for each protocol. */
export interface Haproxy {
  readonly plain: number;
  readonly h2c: number;
  readonly tls: number;
  close(): Promise<void>;
}

export async function startHaproxy(files: IssuedFiles): Promise<Haproxy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'weir-haproxy-'));
  const [plain = 0, h2c = 0, tls = 0] = await freePorts(3);
  const pem = path.join(folder, 'server.pem');
  await writeFile(pem, (await Promise.all([files.certificate, files.privateKey].map((file) => readFile(file, 'utf8')))).join('\n'));
  const lines = [
    'defaults',
    '  mode http',
    '  timeout client 10s',
    'frontend in',
    `  bind 127.0.0.1:${plain} accept-proxy`,
    `  bind 127.0.0.1:${h2c} accept-proxy proto h2`,
    `  bind 127.0.0.1:${tls} accept-proxy ssl crt ${pem} alpn h2,http/1.1`,
    `  http-request return status 200 content-type text/plain lf-string "${ANSWER}"`,
    '',
  ];
  const file = path.join(folder, 'haproxy.cfg');
  await writeFile(file, lines.join('\n'));
  // The kernel kills it when the test ends, also when the test is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'haproxy', '-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  while (!(await isListening(tls))) if (child.exitCode !== null) throw new Error(`haproxy ended: ${said}`);
  return { plain, h2c, tls, close };
}

async function isListening(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
