// Free ports for configuration that needs a number before the port is bound.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';

/** Below the ports that the kernel gives to connections and to listeners on port 0: none of these takes a port before its owner binds it. */
const [LOWEST, SPAN, SPANS] = [12_000, 4_000, 5];
/** Each worker of jest has ports of its own: a server that a test stops for a while finds its port free. */
const FIRST = LOWEST + SPAN * (Number(process.env.JEST_WORKER_ID ?? 0) % SPANS);
const END = FIRST + SPAN;
const MAX_TRIES = 1_000;

/** Different ports without a listener. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const servers: net.Server[] = [];
  for (let tries = 0; servers.length < count; tries++) {
    if (tries === MAX_TRIES) throw new Error(`no free port among ${FIRST} to ${END - 1} on ${address}`);
    const server = await listen(randomInt(FIRST, END), address);
    if (server !== null) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Null: the port is taken. */
async function listen(port: number, address: string): Promise<net.Server | null> {
  const server = net.createServer().listen(port, address);
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return null;
  }
}
