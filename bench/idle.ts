// Memory of a worker with thousands of idle kept connections, each after one request.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { origin } from './peers/nginx.ts';
import { weir } from './peers/weir.ts';
import { accepting, end, freePort, residentMiB, startPinned } from './process.ts';
import { routePath } from './scenario.ts';

/** Number of connections opened at once: below the kernel's backlog. */
const BATCH = 100;
/** The garbage collector runs when the worker is idle. */
const SETTLE_MS = 5_000;

/** Resident MiB before the first connection and with all connections idle. */
export interface IdleResult {
  readonly connections: number;
  readonly before: number;
  readonly idle: number;
}

/** Opens the connections, sends one request on each, and measures the worker once all are idle. */
export async function benchIdle(connections: number): Promise<IdleResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-idle-'));
  const [originPort, listenPort] = [await freePort(), await freePort()];
  const originCommand = origin.command(folder, originPort);
  const originChild = startPinned(1, originCommand.file, originCommand.args);
  const command = weir.command({
    folder,
    originPort,
    listenPort,
    routes: 100,
    downstream: 'http1',
    upstream: 'http1',
    upgrades: false,
    certificate: null,
  });
  const child = startPinned(0, command.file, command.args);
  await Promise.all([accepting(originPort, originChild), accepting(listenPort, child)]);
  const before = residentMiB(child.pid ?? 0);
  const sockets: net.Socket[] = [];
  for (let i = 0; i < connections; i += BATCH) {
    sockets.push(...(await Promise.all(Array.from({ length: BATCH }, () => openAndAsk(listenPort)))));
  }
  await wait(SETTLE_MS);
  const open = sockets.filter((socket) => !socket.destroyed).length;
  if (open !== connections) throw new Error(`${connections - open} connections were closed`);
  const idle = residentMiB(child.pid ?? 0);
  for (const socket of sockets) socket.destroy();
  await Promise.all([end(child), end(originChild)]);
  rmSync(folder, { recursive: true, force: true });
  return { connections, before, idle };
}

async function openAndAsk(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(`GET ${routePath(1)}/ HTTP/1.1\r\nhost: bench\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}
