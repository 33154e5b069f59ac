// The server and client of test/grpc/peer: grpc-go with health checks and reflection, built once per source.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { sourceTool } from '../support/go-tool.ts';

export const GRPC_PEER = sourceTool('grpc-peer', path.join(import.meta.dirname, 'peer'));
const BINARY = path.join(GRPC_PEER.folder, GRPC_PEER.name);

/** A running server. */
export class PeerServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, process: ChildProcess) {
    this.port = port;
    this.#process = process;
  }

  /** `shop`: with the service of orders, and that version of reflection. */
  static async start(shop: 'v1' | 'v1alpha' | 'none' | null = null): Promise<PeerServer> {
    const child = spawn(BINARY, shop === null ? ['serve'] : ['shop', shop], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return new PeerServer(Number(line), child);
  }

  /** The server stops when its standard input ends, as when the test is killed. */
  async stop(): Promise<void> {
    const over = once(this.#process, 'close');
    this.#process.stdin?.end();
    await over;
  }
}

/** The output of the client at an address. Rejects with its error if a call that must succeed fails. */
export async function askPeer(port: number): Promise<unknown> {
  const { stdout } = await promisify(execFile)(BINARY, ['ask', `127.0.0.1:${port}`], { timeout: 20_000 });
  return JSON.parse(stdout);
}
