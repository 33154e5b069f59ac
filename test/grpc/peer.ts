// The server and client of test/grpc/peer: grpc-go with health checks and reflection, built once per source.
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { toolFolder } from '../cluster/tools.ts';

const SOURCE = path.join(import.meta.dirname, 'peer');

/** Builds it unless it is there and returns the path of the binary. Under another name first, so that half of it is never taken for it. */
export function buildPeer(): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'main.go']) hash.update(readFileSync(path.join(SOURCE, file)));
  const folder = toolFolder('grpc-peer', hash.digest('hex').slice(0, 12));
  const binary = path.join(folder, 'grpc-peer');
  if (existsSync(folder)) return binary;
  const partial = `${folder}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  cpSync(SOURCE, partial, { recursive: true });
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' };
  const { status, stderr } = spawnSync('go', ['build', '-buildvcs=false', '-o', 'grpc-peer', '.'], { cwd: partial, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the gRPC peer could not be built: ${stderr}`);
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
  return binary;
}

/** A running server. */
export class PeerServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, process: ChildProcess) {
    this.port = port;
    this.#process = process;
  }

  static async start(binary: string): Promise<PeerServer> {
    const child = spawn(binary, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return new PeerServer(Number(line), child);
  }

  /** It ends with its standard input, as it does when the test is killed. */
  async stop(): Promise<void> {
    const over = once(this.#process, 'close');
    this.#process.stdin?.end();
    await over;
  }
}

/** What the client is told at an address. Rejects with what it says when a call that must succeed fails. */
export async function askPeer(binary: string, port: number): Promise<unknown> {
  const { stdout } = await promisify(execFile)(binary, ['ask', `127.0.0.1:${port}`], { timeout: 20_000 });
  return JSON.parse(stdout);
}
