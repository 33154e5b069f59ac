// Go's protobuf and grpc-go for .proto files as a child process: built from peer/ once per content of its files.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { sourceTool } from '../support/go-tool.ts';

export const PROTOBUF_PEER = sourceTool('protobuf-peer', path.join(import.meta.dirname, 'peer'));
const BINARY = path.join(PROTOBUF_PEER.folder, PROTOBUF_PEER.name);

/** The descriptor set of files and their imports. */
export function describeFiles(folder: string, files: readonly string[]): Buffer {
  return execFileSync(BINARY, ['describe', folder, ...files], { maxBuffer: 16_777_216 });
}

/** A message as Go writes it. */
export interface GoMessage {
  readonly wire: Buffer;
  readonly json: string;
}

interface Answer {
  readonly error?: string;
  readonly wire?: string;
  readonly json?: string;
  readonly messages?: readonly { readonly wire: string | null; readonly json: string }[];
}

/** A running codec of Go. */
export class GoCodec {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(folder: string, files: readonly string[]) {
    this.#child = spawn(BINARY, ['compare', folder, ...files], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error('the peer has no standard output');
    this.#lines = createInterface(this.#child.stdout);
  }

  /** Random messages of a type; the same for each seed. */
  async make(type: string, seed: number, count: number): Promise<GoMessage[]> {
    const { messages = [], error } = await this.#ask({ do: 'make', type, seed, count });
    if (error !== undefined) throw new Error(error);
    return messages.map(({ wire, json }) => ({ wire: Buffer.from(wire ?? '', 'base64'), json }));
  }

  /** Whether Go reads the same message from three forms of it: null, or the difference. */
  async difference(type: string, wire: Buffer, otherWire: Buffer, json: string): Promise<string | null> {
    const question = { do: 'same', type, wire: wire.toString('base64'), otherWire: otherWire.toString('base64'), json };
    return (await this.#ask(question)).error ?? null;
  }

  /** The bytes of a message in JSON; null if Go refuses it. */
  async wireOf(type: string, json: string): Promise<Buffer | null> {
    const { error, wire } = await this.#ask({ do: 'readJson', type, json });
    return error === undefined ? Buffer.from(wire ?? '', 'base64') : null;
  }

  /** The JSON of the bytes of a message; null if Go refuses them. */
  async jsonOf(type: string, wire: Buffer): Promise<string | null> {
    const { error, json } = await this.#ask({ do: 'readWire', type, wire: wire.toString('base64') });
    return error === undefined ? (json ?? '') : null;
  }

  async close(): Promise<void> {
    const over = once(this.#child, 'close');
    this.#child.stdin?.end();
    await over;
  }

  async #ask(question: object): Promise<Answer> {
    const answered = new Promise<string>((resolve) => this.#lines.once('line', resolve));
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    return JSON.parse(await answered) as Answer;
  }
}

/** A grpc-go server with all services of files. */
export class GoServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, process: ChildProcess) {
    this.port = port;
    this.#process = process;
  }

  static async start(folder: string, files: readonly string[]): Promise<GoServer> {
    const child = spawn(BINARY, ['serve', folder, ...files], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return new GoServer(Number(line), child);
  }

  /** The server stops when its standard input ends, as when the test is killed. */
  async stop(): Promise<void> {
    const over = once(this.#process, 'close');
    this.#process.stdin?.end();
    await over;
  }
}
