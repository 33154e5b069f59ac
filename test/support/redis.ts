// Redis servers for one test: alone, as a Cluster, or with Sentinels; with TLS and a password if wanted.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePorts } from './free-port.ts';

/** All slots of a Cluster. */
const SLOTS = 16_384;

export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'weir-redis-'));
  readonly #args: readonly string[];
  #process: ChildProcess | null = null;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** Starts a server with further arguments. Resolves once it takes connections. */
  static async start(args: readonly string[] = [], port?: number): Promise<RedisServer> {
    const server = new RedisServer(port ?? (await freePort()), args);
    await server.restart();
    return server;
  }

  /** Starts a Sentinel of a master. */
  static async sentinel(master: RedisServer, name: string): Promise<RedisServer> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-sentinel-'));
    const file = path.join(folder, 'sentinel.conf');
    writeFileSync(file, `sentinel monitor ${name} 127.0.0.1 ${master.port} 1\nsentinel down-after-milliseconds ${name} 500\n`);
    const server = new RedisServer(await freePort(), [file, '--sentinel']);
    await server.restart();
    return server;
  }

  get #listening(): readonly string[] {
    return this.#args.includes('--tls-port') ? ['--port', '0'] : ['--port', String(this.port)];
  }

  /** Starts the server after `kill`, without data. */
  async restart(): Promise<void> {
    const [config, ...rest] = this.#args[0]?.startsWith('--') === false ? this.#args : ['', ...this.#args];
    const args = [...(config === '' ? [] : [config ?? '']), ...this.#listening, '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    const server = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', 'redis-server', ...args, ...rest.map((each) => (each === 'PORT' ? String(this.port) : each))],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#process = server;
    let output = '';
    server.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exit = once(server, 'exit');
    while (!/Ready to accept connections|Sentinel ID is/.test(output)) {
      if (server.exitCode !== null) throw new Error(`redis-server ended:\n${output}`);
      await Promise.race([once(server.stdout, 'data'), exit]);
    }
  }

  /** Kills the server, like a crash. */
  async kill(): Promise<void> {
    const server = this.#process;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill('SIGKILL');
    await exit;
  }

  /** Stops the process without ending it: connections stay open and nothing answers. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Runs a command. */
  async command(...[name, ...args]: readonly [string, ...string[]]): Promise<unknown> {
    const client = new Redis({ port: this.port, host: '127.0.0.1' });
    try {
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Starts a Cluster of masters with all slots. */
export async function startRedisCluster(count: number): Promise<readonly RedisServer[]> {
  const ports = await freePorts(count * 2);
  const buses = ports.splice(count);
  const servers = await Promise.all(
    ports.map((port, i) =>
      RedisServer.start(['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port', String(buses[i])], port),
    ),
  );
  const bounds = servers.map((_, i) => Math.floor((SLOTS * i) / count));
  for (const [i, server] of servers.entries()) {
    await server.command('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
    await server.command('CLUSTER', 'ADDSLOTSRANGE', String(bounds[i]), String((bounds[i + 1] ?? SLOTS) - 1));
    if (i > 0) await server.command('CLUSTER', 'MEET', '127.0.0.1', String(servers[0]?.port), String(buses[0]));
  }
  for (const server of servers) {
    while (!String(await server.command('CLUSTER', 'INFO')).includes(`cluster_state:ok`) || !(await knows(server, count)))
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return servers;
}

async function knows(server: RedisServer, count: number): Promise<boolean> {
  return String(await server.command('CLUSTER', 'INFO')).includes(`cluster_known_nodes:${count}`);
}
