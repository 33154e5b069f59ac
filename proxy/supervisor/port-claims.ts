// Keeps the ports that the workers of one proxy share from other proxies on the machine. The kernel lets all processes of one user share a
// port (SO_REUSEPORT), so two proxies with the same port would each get some of its connections without any error. A claim is an abstract
// socket of Linux: at most one process has the name, and the kernel frees it when that process ends. The names belong to the network
// namespace, like ports.
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { PortClaim } from '../exchange/port-claim.ts';

const NAMES = '/proc/net/unix';
const EVERY_ADDRESS: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

export class PortClaims {
  readonly #held = new Map<string, Promise<net.Server | null>>();

  /** Claims a port for this proxy; a second claim has no effect. Resolves to the reason if another proxy has the port. */
  async claim(claim: PortClaim): Promise<NodeJS.ErrnoException | null> {
    if (process.platform !== 'linux') return null;
    const name = nameOf(claim);
    const taking = this.#held.get(name) ?? hold(claim);
    this.#held.set(name, taking);
    if ((await taking) !== null) return null;
    this.#held.delete(name);
    return refusal(claim);
  }

  /** Releases every port but these. */
  async keep(ports: ReadonlySet<string>): Promise<void> {
    for (const [name, taking] of [...this.#held]) {
      if (ports.has(portOf(name))) continue;
      this.#held.delete(name);
      (await taking)?.close();
    }
  }

  /** Releases every port. */
  release(): Promise<void> {
    return this.keep(new Set());
  }
}

/** A port without its address, for `keep`. */
export function portName({ transport, port }: Pick<PortClaim, 'transport' | 'port'>): string {
  return `${transport}/${port}`;
}

/** Processes of different users cannot share a port, so each user has its own names. */
function prefixOf(claim: Pick<PortClaim, 'transport' | 'port'>): string {
  return `weir/${process.getuid?.() ?? 0}/${portName(claim)}/`;
}

function nameOf(claim: PortClaim): string {
  return `${prefixOf(claim)}${EVERY_ADDRESS.has(claim.address) ? '*' : claim.address}`;
}

function portOf(name: string): string {
  return name.split('/').slice(2, 4).join('/');
}

/** Null if another proxy has the port. It takes the name first, then checks the others: of two concurrent claims one sees the other. */
async function hold(claim: PortClaim): Promise<net.Server | null> {
  const name = nameOf(claim);
  const server = await listen(`\0${name}`);
  if (server === null || !(await hasRival(claim, name))) return server;
  server.close();
  return null;
}

function listen(path: string): Promise<net.Server | null> {
  const { promise, resolve } = Promise.withResolvers<net.Server | null>();
  const server = net.createServer((socket) => socket.destroy());
  server.once('error', () => resolve(null));
  server.listen({ path }, () => resolve(server));
  server.unref();
  return promise;
}

/** Whether a proxy has all addresses of the port, or this one needs all and another has one of them. */
async function hasRival(claim: PortClaim, own: string): Promise<boolean> {
  const prefix = `@${prefixOf(claim)}`;
  const names = (await readFile(NAMES, 'utf8')).split('\n').map((line) => line.slice(line.lastIndexOf(' ') + 1));
  const others = names.filter((name) => name.startsWith(prefix) && name !== `@${own}`).map((name) => name.slice(prefix.length));
  return others.length > 0 && (own.endsWith('/*') || others.includes('*'));
}

function refusal({ transport, address, port }: PortClaim): NodeJS.ErrnoException {
  const place = EVERY_ADDRESS.has(address) ? `port ${port}` : `port ${port} of ${address}`;
  const error: NodeJS.ErrnoException = new Error(`another Weir proxy with several workers has ${transport} ${place}: EADDRINUSE`);
  error.code = 'EADDRINUSE';
  return error;
}
