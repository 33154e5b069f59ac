// A real NATS server for tests, with JetStream and its data in a folder, so that it can be killed and started again; and a program that
// uses it with the official client. Both are built from their Go modules once per version.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../support/free-port.ts';
import { sourceTool } from '../support/go-tool.ts';

const PROGRAMS = ['github.com/nats-io/nats-server/v2', '.'];
const BUILD = ['build', '-buildvcs=false', '-ldflags', '-s -w', '-o', './', ...PROGRAMS];
export const NATS = sourceTool('nats', path.join(import.meta.dirname, 'nats-peer'), [BUILD]);

/** Options of the server. */
export interface NatsServerOptions {
  /** The block `authorization` of the configuration, or others; by default everyone may do everything. */
  readonly config?: string;
  /** PEM files. A client needs a certificate of `ca`. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca: string };
}

export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: NatsServerOptions;
  #process: ChildProcess | null = null;

  private constructor(folder: string, port: number, options: NatsServerOptions) {
    this.#folder = folder;
    this.port = port;
    this.#options = options;
  }

  /** Resolves once the server is ready. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const [port = 0] = await freePorts(1);
    const server = new NatsServer(mkdtempSync(path.join(os.tmpdir(), 'weir-nats-')), port, options);
    await server.resume();
    return server;
  }

  /** The URL of the server. */
  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts the server again with the data it had. */
  async resume(): Promise<void> {
    const file = path.join(this.#folder, 'nats.conf');
    writeFileSync(file, this.#config());
    // The kernel kills it when the test ends, also when the test is killed.
    const command = ['--pdeathsig', 'KILL', path.join(NATS.folder, 'nats-server'), '-c', file];
    const started = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = started;
    let output = '';
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    started.stderr.on('data', (chunk: Buffer) => {
      output += String(chunk);
      if (output.includes('Server is ready')) resolve();
    });
    started.once('close', (code) => reject(new Error(`the NATS server ended with ${code}:\n${output}`)));
    await promise;
  }

  /** Suspends or continues the process. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** Kills the server; its data stay. */
  async kill(): Promise<void> {
    if (this.#process === null) return;
    const over = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await over;
    this.#process = null;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }

  #config(): string {
    const { config = '', tls } = this.#options;
    const lines = [`listen: "127.0.0.1:${this.port}"`, `jetstream { store_dir: "${path.join(this.#folder, 'data')}" }`, config];
    if (tls !== undefined) {
      const files = Object.entries({ cert_file: tls.certificate, key_file: tls.key, ca_file: tls.ca });
      for (const [name, text] of files) writeFileSync(path.join(this.#folder, name), text);
      const settings = files.map(([name]) => `${name}: "${path.join(this.#folder, name)}"`);
      lines.push(`tls { ${settings.join(', ')}, verify: true }`);
    }
    return `${lines.join('\n')}\n`;
  }
}

/** A command of `test/discovery/nats-peer`; times in milliseconds. */
export type PeerCommand =
  | {
      readonly do: 'offer';
      readonly id: string;
      readonly name: string;
      readonly metadata?: Readonly<Record<string, string>>;
      readonly endpoint?: Readonly<Record<string, string>>;
    }
  | { readonly do: 'withdraw'; readonly id: string }
  | { readonly do: 'create'; readonly bucket: string; readonly ttl?: number; readonly markers?: number }
  | { readonly do: 'put'; readonly bucket: string; readonly key: string; readonly value: string; readonly ttl?: number }
  | { readonly do: 'delete' | 'purge'; readonly bucket: string; readonly key: string };

/** A program with the official client, which connects again whenever it can. Use one at a time. */
export class NatsPeer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#process = child;
    this.#lines = lines;
  }

  static async start({ url }: NatsServer): Promise<NatsPeer> {
    const child = spawn(path.join(NATS.folder, 'nats-peer'), [url], { stdio: ['pipe', 'pipe', 'inherit'] });
    const peer = new NatsPeer(child, createInterface(child.stdout)[Symbol.asyncIterator]());
    await peer.#expect('ready');
    return peer;
  }

  /** Resolves once the command is done. */
  async run(command: PeerCommand): Promise<void> {
    this.#process.stdin?.write(`${JSON.stringify(command)}\n`);
    await this.#expect('done');
  }

  /** Writes an object as a value. */
  put(bucket: string, key: string, value: unknown): Promise<void> {
    return this.run({ do: 'put', bucket, key, value: typeof value === 'string' ? value : JSON.stringify(value) });
  }

  /** It ends with its input, as when the test is killed. */
  async stop(): Promise<void> {
    const over = once(this.#process, 'close');
    this.#process.stdin?.end();
    await over;
  }

  async #expect(expected: string): Promise<void> {
    const { value } = await this.#lines.next();
    if (value !== expected) throw new Error(`the NATS client says: ${String(value)}`);
  }
}
