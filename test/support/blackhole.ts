// A backend that accepts no connections.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { closeLater } from './fixture.ts';

/** A port of this machine on which no connection completes: its listener is stopped and its queue is full. */
export async function blackhole(): Promise<number> {
  const program = `const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  closeLater(() => child.kill('SIGKILL'));
  const port = Number(String(((await once(child.stdout, 'data')) as [Buffer])[0]));
  child.kill('SIGSTOP');
  await swallow(port);
  return port;
}

/** Fills the queue of a stopped listener: resolves once no connection completes. */
export async function swallow(port: number): Promise<void> {
  for (let open = true; open;) {
    const socket = net.connect(port, '127.0.0.1');
    closeLater(() => socket.destroy());
    open = await Promise.race([once(socket, 'connect').then(() => true), delay(100, false)]);
  }
}
